//! `scorecard`: cards out of labelled rows, scores out of cards, and how good those are.
//!
//! In: files of numbers, CSV or Parquet. Out: a card with its model card, a file of scores, or figures.
//! Never: a column that was not asked for, or a card in the place of another.

pub mod apply;
pub mod evaluate;
pub mod train;

#[cfg(test)]
mod tests;
