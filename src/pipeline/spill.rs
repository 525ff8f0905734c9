//! What a session cannot hold in memory, in files without a name.
//!
//! In: what the steps of a plan write out. Out: the same bytes. Never: leaves a file behind, however the process ends: it
//! would hold a day's calls, and nobody could tell whether anybody still reads it.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use futures::StreamExt;
use futures::stream::{self, BoxStream};

/// Bytes that are read at once; DataFusion reads its own files so.
const CHUNK_BYTES: usize = 128 << 10;

/// Makes files below `TMPDIR` that the system deletes when they are closed, and so when the process is killed.
pub(super) struct Unnamed;

impl TempFileFactory for Unnamed {
    fn create_temp_file(&self, description: &str) -> Result<Arc<dyn SpillFile>> {
        let made = tempfile::tempfile().map_err(DataFusionError::from);
        let file = made.map_err(|error| error.context(format!("making a file below TMPDIR for {description}")))?;
        Ok(Arc::new(Spilled(Arc::new(file))))
    }
}

/// A file that is written from its beginning on and read from there, maybe at the same time.
struct Spilled(Arc<File>);

impl SpillFile for Spilled {
    fn size(&self) -> Option<u64> {
        self.0.metadata().ok().map(|facts| facts.len())
    }

    fn read_stream(&self) -> Result<BoxStream<'static, Result<Bytes>>> {
        Ok(stream::try_unfold((Arc::clone(&self.0), 0), next).boxed())
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(Writer(Arc::clone(&self.0))))
    }
}

/// The next bytes of a file from a place on, and the place behind them; nothing at the end.
async fn next((file, at): (Arc<File>, u64)) -> Result<Option<(Bytes, (Arc<File>, u64))>> {
    let reading = tokio::task::spawn_blocking(move || chunk(&file, at).map(|bytes| (bytes, file)));
    let (bytes, file) = reading.await.map_err(|problem| DataFusionError::External(problem.into()))??;
    let behind = at + bytes.len() as u64;
    Ok((!bytes.is_empty()).then(|| (Bytes::from(bytes), (file, behind))))
}

/// Where the file is written on is left as it is.
fn chunk(file: &File, at: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; CHUNK_BYTES];
    let read = file.read_at(&mut bytes, at)?;
    bytes.truncate(read);
    Ok(bytes)
}

struct Writer(Arc<File>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_ref().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_ref().flush()
    }
}

impl SpillWriter for Writer {
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use datafusion::config::SpillCompression;
    use datafusion::execution::disk_manager::DiskManagerBuilder;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
    use datafusion::physical_plan::spill::SpillManager;
    use datafusion::physical_plan::spill::spill_pool::spsc_channel;
    use futures::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn what_was_written_is_read_from_the_beginning_and_more_can_follow() {
        let file = Spilled(Arc::new(tempfile::tempfile().unwrap()));
        assert_eq!(file.0.metadata().unwrap().nlink(), 0, "it has a name");
        let mut writer = file.open_writer().unwrap();
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(2 * CHUNK_BYTES + 7).collect();
        for times in 1..=2 {
            writer.write_all(&bytes).unwrap();
            let chunks: Vec<Bytes> = file.read_stream().unwrap().try_collect().await.unwrap();
            let read: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.to_vec()).collect();
            assert!(read == bytes.repeat(times), "{times} times");
        }
        assert_eq!(file.size(), Some(2 * bytes.len() as u64));
    }

    #[tokio::test]
    async fn records_that_were_spilled_come_back() {
        let files = DiskManagerBuilder::default().with_temp_file_factory(Arc::new(Unnamed));
        let runtime = RuntimeEnvBuilder::new().with_disk_manager_builder(files).build_arc().unwrap();
        let rows: ArrayRef = Arc::new(Int64Array::from_iter_values((0..100_000).map(|row| row * 7_919)));
        let batch = RecordBatch::try_from_iter([("row", rows)]).unwrap();
        let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
        let manager = SpillManager::new(runtime, metrics, batch.schema());
        let manager = Arc::new(manager.with_compression_type(SpillCompression::Lz4Frame));
        let (sink, records) = spsc_channel(usize::MAX, manager);
        for _ in 0..3 {
            sink.push_batch(&batch).unwrap();
        }
        drop(sink);
        let read: Vec<RecordBatch> = records.try_collect().await.unwrap();
        assert!(read == vec![batch; 3]);
    }
}
