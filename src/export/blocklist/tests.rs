//! Properties of the block list, and of what carries it out.

use std::path::Path;

use proptest::prelude::*;

use super::file::{Format, delta, full, missing};
use super::limit::{Protected, Refused, check};
use super::mml::{Shown, Template};
use super::*;

fn day(after: i32) -> Day {
    "2025-01-06".parse::<Day>().unwrap().plus(after)
}

fn number(last: i64) -> Number {
    Number::from_e164(84_900_000_000 + last).unwrap()
}

fn entry(last: i64, action: Action, on: Day) -> Entry {
    Entry {
        number: number(last),
        action,
        reason: if action.is_bar() { "behaviour+report".to_owned() } else { "overturned".to_owned() },
        from: on,
        until: on.plus(30),
        case_id: format!("C-{last}"),
        detections: None,
    }
}

/// Publishes what is asked for, as the job does.
fn publish(publications: &mut Vec<Publication>, on: Day, asked: &Asked) {
    let before = standing(publications).unwrap();
    let given_back = told(publications, on).into_keys().collect();
    publications.push(Publication {
        sequence: i64::try_from(publications.len()).unwrap() + 1,
        day: on,
        list_sha256: list_sha256(&asked.bars),
        supersedes_sha256: publications.last().map(|last| last.list_sha256.clone()),
        published_at: on.ends_at(),
        changes: changes(on, &before, asked, &given_back),
    });
}

/// What lists of one action for each number ask for on days that follow one another.
fn published(days: &[Vec<(i64, Action)>]) -> Vec<Publication> {
    let mut publications = Vec::new();
    for (actions, after) in days.iter().zip(0..) {
        let entries = actions.iter().map(|(last, action)| entry(*last, *action, day(after))).collect();
        publish(&mut publications, day(after), &Asked::new(day(after), entries).unwrap());
    }
    publications
}

/// The lines of a CSV file below its header.
fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().skip(1).map(str::to_owned).collect()
}

/// A reader of our files, who knows no more than the README says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reader(BTreeMap<String, String>);

impl Reader {
    fn take_full(path: &Path) -> Self {
        let mut reader = Self::default();
        for line in lines(path) {
            let (_day, rest) = line.split_once(',').unwrap();
            reader.put(rest);
        }
        reader
    }

    fn take_delta(&mut self, path: &Path) {
        for line in lines(path) {
            self.put(line.splitn(3, ',').nth(2).unwrap());
        }
    }

    fn put(&mut self, rest: &str) {
        let (number, rest) = rest.split_once(',').unwrap();
        if rest.starts_with("unblock,") {
            self.0.remove(number);
        } else {
            self.0.insert(number.to_owned(), rest.to_owned());
        }
    }

    fn sha256(&self) -> String {
        let text: String = self.0.iter().map(|(number, rest)| format!("{number},{rest}\n")).collect();
        hex::encode(Sha256::digest(text))
    }
}

fn actions() -> impl Strategy<Value = Vec<(i64, Action)>> {
    let action = prop::sample::select(Action::ALL.to_vec());
    prop::collection::btree_map(0i64..12, action, 0..10).prop_map(|of_day| of_day.into_iter().collect())
}

/// Writes the list of the last publication and gives the file.
fn write_full(root: &Path, publications: &[Publication]) -> std::path::PathBuf {
    let last = publications.last().unwrap();
    let listing = standing(publications).unwrap();
    let told = told(publications, last.day);
    let ended: Vec<&Entry> =
        told.into_iter().filter(|(number, _)| !listing.contains_key(number)).map(|(_, entry)| entry).collect();
    let folder = full(root, last, &listing, &ended, Format::Csv).unwrap();
    folder.path.join(folder.file)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_list_and_the_deltas_behind_it_are_the_newest_list(days in prop::collection::vec(actions(), 1..6), from in 0usize..6) {
        let root = tempfile::tempdir().unwrap();
        let publications = published(&days);
        let from = from.min(days.len() - 1);
        let mut reader = Reader::take_full(&write_full(root.path(), &publications[..=from]));
        for publication in &publications[from + 1..] {
            let folder = delta(&root.path().join("delta"), publication, 0, Format::Csv).unwrap();
            reader.take_delta(&folder.path.join(folder.file));
            prop_assert_eq!(reader.sha256(), publication.list_sha256.clone());
        }
        prop_assert_eq!(reader, Reader::take_full(&write_full(root.path(), &publications)));
    }

    #[test]
    fn a_second_publication_of_the_same_changes_nothing(days in prop::collection::vec(actions(), 1..6)) {
        let mut publications = published(&days);
        let entries = days.last().unwrap().iter();
        let on = publications.last().unwrap().day;
        let asked = Asked::new(on, entries.map(|(last, action)| entry(*last, *action, on)).collect()).unwrap();
        publish(&mut publications, on, &asked);
        prop_assert!(publications.last().unwrap().changes.is_empty());
    }

    #[test]
    fn what_undoes_a_script_leaves_the_network_as_it_was(days in prop::collection::vec(actions(), 2..6)) {
        let publications = published(&days);
        let (last, earlier) = publications.split_last().unwrap();
        let before = standing(earlier).unwrap();
        let script = template(TEMPLATE).unwrap().script(&before, last, Shown::Clear).unwrap();
        // The network knows what it was told before, and lifts a bar that it does not have without a word.
        let mut network: BTreeMap<String, String> =
            before.values().map(|entry| (digits(entry.number).to_string(), entry.action.to_string())).collect();
        let stood = network.clone();
        run(&mut network, &script.commands);
        let bars: BTreeMap<String, String> = standing(&publications)
            .unwrap()
            .values()
            .map(|entry| (digits(entry.number).to_string(), entry.action.to_string()))
            .collect();
        prop_assert_eq!(&network, &bars);
        run(&mut network, &script.rollback);
        prop_assert_eq!(network, stood);
    }

    #[test]
    fn what_only_gives_back_bars_nobody(days in prop::collection::vec(actions(), 2..4)) {
        let publications = published(&days[..1]);
        let before = standing(&publications).unwrap();
        let entries = days[1].iter().map(|(last, action)| entry(*last, *action, day(1))).collect();
        let asked = Asked::new(day(1), entries).unwrap();
        let protected = BTreeSet::from([number(1)]);
        let released = asked.clone().without(day(1), &before, &protected).releases_only(&before);
        for change in changes(day(1), &before, &released, &BTreeSet::new()) {
            prop_assert_eq!(change.kind, Kind::Removed);
        }
        prop_assert!(!released.bars.contains_key(&number(1)));
        let mut gone = before.keys().filter(|number| !asked.bars.contains_key(*number));
        prop_assert!(gone.all(|number| !released.bars.contains_key(number)));
    }
}

/// Commands as `TEMPLATE` writes them, carried out.
fn run(network: &mut BTreeMap<String, String>, commands: &[String]) {
    for command in commands {
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["LIFT", number, ..] => drop(network.remove(number)),
            ["SET", number, action, ..] => drop(network.insert(number.to_owned(), action.to_owned())),
            _ => panic!("no command: {command}"),
        }
    }
}

const TEMPLATE: &str = "header = [\"# {sequence} of {day}\"]\n\
    [command]\n\
    bar_outgoing = \"SET {number} {action} UNTIL {until_compact}\"\n\
    bar_both = \"SET {number} {action} {case_id}\"\n\
    bar_incoming_from = \"SET {number} {action} {{x}}\"\n\
    unblock = \"LIFT {number}\"\n";

fn template(text: &str) -> anyhow::Result<Template> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.toml");
    std::fs::write(&path, text).unwrap();
    Template::read(&path)
}

#[test]
fn a_script_has_its_frame_and_a_look_at_it_hides_the_numbers() {
    let publications = published(&[vec![(1, Action::BarOutgoing), (2, Action::BarIncomingFrom)]]);
    let template = template(TEMPLATE).unwrap();
    let script = template.script(&Listing::new(), &publications[0], Shown::Clear).unwrap();
    assert_eq!(
        script.text(&script.commands),
        "# 1 of 2025-01-06\nSET 84900000001 bar_outgoing UNTIL 20250205\nSET 84900000002 bar_incoming_from {x}\n"
    );
    assert_eq!(script.text(&script.rollback), "# 1 of 2025-01-06\nLIFT 84900000002\nLIFT 84900000001\n");
    let masked = template.script(&Listing::new(), &publications[0], Shown::Masked).unwrap();
    assert_eq!(masked.commands[0], "SET 84900•••001 bar_outgoing UNTIL 20250205");
}

#[test]
fn the_example_is_a_template() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/mml/example.toml"));
    let publications = published(&[vec![(1, Action::BarBoth)]]);
    let script = Template::read(path).unwrap().script(&Listing::new(), &publications[0], Shown::Clear).unwrap();
    let expected = "! block list 1 of 2025-01-06\n\
        EXAMPLE SET: NUMBER=84900000001, BAR=BOTH, UNTIL=20250205, CASE=C-1;\n! end of block list 1\n";
    assert_eq!(script.text(&script.commands), expected);
}

#[test]
fn what_the_network_would_not_see_is_not_sent() {
    let publications = published(&[vec![(1, Action::BarBoth)], vec![(1, Action::BarBoth)]]);
    assert_eq!(publications[1].count(Kind::Changed), 1, "its days have changed");
    let before = standing(&publications[..1]).unwrap();
    let script = template(TEMPLATE).unwrap().script(&before, &publications[1], Shown::Clear).unwrap();
    assert_eq!((script.commands.len(), script.rollback.len()), (0, 0), "and the command does not say them");
}

#[test]
fn every_fault_of_a_template_is_told_with_its_line() {
    let text = "header = [\"{nmae}\"]\n[command]\nbar_both = \"BAR {numer}\"\nbar_outgoing = \"BAR {number\"\n\
        unblock = \"LIFT ALL\"\nunbar = \"X {number}\"\n";
    let problems = template(text).unwrap_err().to_string();
    let told: Vec<&str> = problems.lines().map(|line| line.split_once("t.toml").unwrap().1).collect();
    assert_eq!(
        told,
        [
            ":3: no placeholder {numer}; there are number, national, action, reason, case_id, from, until, from_compact, \
             until_compact, day, sequence",
            ":4: a single {; write it twice to mean it",
            ":6: \"unbar\" is no action of a block list",
            ":5: unblock names neither {number} nor {national}",
            ": command.bar_incoming_from is missing",
            ":1: no placeholder {nmae}; there are day, sequence",
        ]
    );
}

#[test]
fn a_value_that_could_be_a_command_is_not_written() {
    let mut bad = entry(1, Action::BarBoth, day(0));
    bad.case_id = "C-1;LIFT 84900000002".to_owned();
    let mut publications = Vec::new();
    publish(&mut publications, day(0), &Asked::new(day(0), vec![bad]).unwrap());
    let refused = template(TEMPLATE).unwrap().script(&Listing::new(), &publications[0], Shown::Clear).unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("t.toml:4: {case_id} of 84900•••001"), "{refused}");
}

#[test]
fn a_number_is_dialled_with_its_zero_and_a_foreign_one_with_its_code() {
    let text = TEMPLATE.replace("SET {number} {action} {case_id}", "SET {national}");
    let template = template(&text).unwrap();
    let shown = |digits: i64| {
        let entry = Entry { number: Number::from_e164(digits).unwrap(), ..entry(1, Action::BarBoth, day(0)) };
        let mut publications = Vec::new();
        publish(&mut publications, day(0), &Asked::new(day(0), vec![entry]).unwrap());
        template.script(&Listing::new(), &publications[0], Shown::Clear).unwrap().commands.remove(0)
    };
    assert_eq!(shown(84_912_345_678), "SET 0912345678");
    assert_eq!(shown(14_155_552_671), "SET 0014155552671");
}

#[test]
fn a_bar_without_an_end_leaves_nobody() {
    let mut endless = entry(1, Action::BarBoth, day(0));
    endless.until = day(0);
    let refused = Asked::new(day(0), vec![endless.clone()]).unwrap_err().to_string();
    assert!(refused.starts_with("1 bars of 2025-01-06 have no end behind that day, the first of 84900•••001"));
    endless.action = Action::Unblock;
    assert_eq!(Asked::new(day(0), vec![endless]).unwrap().ended.len(), 1, "a release needs none");
}

#[test]
fn too_many_at_once_are_refused_and_protected_numbers_are_left_out() {
    let bars = |numbers: &[i64]| {
        Asked::new(day(0), numbers.iter().map(|last| entry(*last, Action::BarBoth, day(0))).collect()).unwrap()
    };
    let before = bars(&[1, 2]).bars;
    assert_eq!(check(&before, &bars(&[1, 2, 3, 4]), 2), Ok(()), "what stands is not counted");
    let refused = check(&before, &bars(&[1, 2, 3, 4, 5]), 2).unwrap_err();
    assert_eq!(refused, Refused { new: 3, cap: 2 });
    let refused = refused.to_string();
    assert!(refused.contains("bars 3 numbers anew, and 2 is the most") && refused.contains("--cap"), "{refused}");
    let protected = Protected {
        allowed: BTreeSet::from([number(1)]),
        special: BTreeSet::from([number(2)]),
        cleared: BTreeSet::from([number(3), number(1)]),
    };
    let asked = bars(&[1, 2, 3, 4]);
    let barred = protected.barred(&asked);
    let why: Vec<(Number, &str)> = barred.iter().map(|(number, why)| (*number, *why)).collect();
    let expected = [
        (number(1), "on the allow-list"),
        (number(2), "special or a registered brand's"),
        (number(3), "cleared at the desk"),
    ];
    assert_eq!(why, expected);
    let asked = asked.without(day(0), &before, &barred.into_keys().collect());
    assert_eq!(asked.bars.into_keys().collect::<Vec<_>>(), [number(4)]);
    let given_back: Vec<&str> = asked.ended.values().map(|entry| entry.reason.as_str()).collect();
    assert_eq!(given_back, ["protected", "protected"], "whom the network was told to bar");
    let police = Entry { number: Number::from_e164(8_469_123_456).unwrap(), ..entry(1, Action::BarBoth, day(0)) };
    let asked = Asked::new(day(0), vec![police]).unwrap();
    assert_eq!(Protected::default().barred(&asked).len(), 1, "by its digits alone");
}

#[test]
fn a_bar_whose_end_has_come_is_given_back_once_and_is_not_asked_for_again_until_it_is_renewed() {
    let asked = |last: i64, from: i32| Asked::new(day(from), vec![entry(last, Action::BarBoth, day(from))]).unwrap();
    let mut publications = Vec::new();
    publish(&mut publications, day(0), &asked(1, 0));
    let lapsed = |publications: &[Publication], asked: Asked, today: i32| {
        let before = standing(publications).unwrap();
        let (asked, lapsed) = asked.without_lapsed((day(0), day(today)), (&before, publications));
        (asked, lapsed.len())
    };
    let (stands, count) = lapsed(&publications, asked(1, 0), 29);
    assert_eq!((stands, count), (asked(1, 0), 0), "it ends on the day behind");
    let (over, count) = lapsed(&publications, asked(1, 0), 30);
    assert_eq!((over.bars.len(), count), (0, 1));
    assert_eq!(over.ended[&number(1)].reason, "lapsed");
    publish(&mut publications, day(0), &over);
    assert!(standing(&publications).unwrap().is_empty());
    let (over, count) = lapsed(&publications, asked(1, 0), 31);
    assert_eq!((over, count), (Asked::default(), 1), "the decision of before does not bar it again");
    let (renewed, count) = lapsed(&publications, asked(1, 5), 31);
    assert_eq!((renewed, count), (asked(1, 5), 0));
    let (never, count) = lapsed(&publications, asked(2, 0), 30);
    assert_eq!((never, count), (Asked::default(), 1), "who was never barred is not by a bar of the past");

    // Given back since a list protected it, and that is over, too.
    let mut allowed = publications[..1].to_vec();
    let before = standing(&allowed).unwrap();
    publish(&mut allowed, day(0), &asked(1, 0).without(day(0), &before, &BTreeSet::from([number(1)])));
    assert_eq!(allowed[1].changes[0].entry.reason, "protected");
    assert_eq!(lapsed(&allowed, asked(1, 0), 31), (Asked::default(), 1));
    assert_eq!(lapsed(&allowed, asked(1, 0), 29), (asked(1, 0), 0));

    // A lake that is computed a year later: the bar was over when it was published.
    let mut late = Vec::new();
    publish(&mut late, day(0), &asked(1, 0));
    late[0].published_at = day(365).starts_at();
    assert_eq!(lapsed(&late, asked(1, 0), 366), (asked(1, 0), 0));
    assert_eq!(lapsed(&[], asked(1, 0), 366), (asked(1, 0), 0));
}

#[test]
fn a_publication_that_is_missing_is_told() {
    let mut publications = published(&[vec![(1, Action::BarBoth)], vec![], vec![(2, Action::BarBoth)]]);
    let lost = publications.remove(1);
    let told = |publications: &[Publication]| standing(publications).unwrap_err().to_string();
    assert_eq!(told(&publications), "publications 2 to 2 are missing from blocklist_export");
    publications.insert(1, lost);
    publications[2].changes.clear();
    assert!(told(&publications).contains("do not add up"));
}

#[test]
fn a_folder_that_lacks_deltas_gets_those_behind_its_first() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("delta");
    assert_eq!(missing(&root, 7).unwrap(), [7], "a new reader begins with the list");
    for name in ["00000003", "00000005", ".00000006.1"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    assert_eq!(missing(&root, 7).unwrap(), [4, 6, 7]);
}

#[test]
fn a_spreadsheet_reads_utf_8_and_runs_nothing() {
    let root = tempfile::tempdir().unwrap();
    let mut bad = entry(1, Action::BarBoth, day(0));
    bad.case_id = "=1+1".to_owned();
    let mut publications = Vec::new();
    publish(&mut publications, day(0), &Asked::new(day(0), vec![bad]).unwrap());
    let listing = standing(&publications).unwrap();
    let write = |format| {
        let folder = full(root.path(), &publications[0], &listing, &[], format).unwrap();
        std::fs::read_to_string(folder.path.join(folder.file)).unwrap()
    };
    let row = "2025-01-06,84900000001,bar_both,behaviour+report,2025-01-06,2025-02-05,'=1+1,";
    let head = "day,number,action,reason,from_day,until_day,case_id,detections";
    assert_eq!(write(Format::Csv), format!("{head}\n{row}\n"));
    assert_eq!(write(Format::Spreadsheet), format!("\u{feff}{head}\r\n{row}\r\n"));
    let json: serde_json::Value = serde_json::from_str(&write(Format::Json)).unwrap();
    assert_eq!(json["rows"][0]["number"], 84_900_000_001_i64);
    assert_eq!(json["rows"][0]["until_day"], "2025-02-05");
}

#[test]
fn the_same_publication_is_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let publications = published(&[vec![(1, Action::BarBoth)]]);
    let listing = standing(&publications).unwrap();
    let write = || full(root.path(), &publications[0], &listing, &[], Format::Csv).unwrap().is_changed;
    assert_eq!((write(), write()), (true, false));
}

#[test]
fn a_flag_is_written_as_its_contract_says() {
    let mut entry = entry(1, Action::BarBoth, day(0));
    entry.reason = "a".to_owned();
    entry.case_id = "C-1".to_owned();
    // Written by another implementation: fastavro 1.13.1, of this row by the contract.
    let body = hex::decode("106261725f626f74680261fcb902b8ba0206432d3106").unwrap();
    assert_eq!(flag::value(&entry, 3, 7), [&[0, 0, 0, 0, 7], &body[..]].concat());
}
