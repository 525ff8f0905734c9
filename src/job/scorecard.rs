//! `scorecard`: cards out of labelled rows, scores out of cards, and how good those are.
//!
//! In: files of numbers, CSV or Parquet, weeks of a lake whose people said what is spam, and cards of definitions. Out: a
//! card with its model card, a model card alone, a file of scores, of rows to train on, or figures.
//! Never: a column that was not asked for, or a card in the place of another.

pub mod about;
pub mod apply;
pub mod evaluate;
pub mod labels;
pub mod train;

#[cfg(test)]
mod tests;
