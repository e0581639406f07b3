//! Sets cells below each other, for people who read a terminal or a log. Knows nothing of what is in them.

/// Returns the rows, each column as wide as its widest cell. The last cell of a row is as long as it is; of several lines, the others
/// stand below its first.
pub(super) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let most = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..most.saturating_sub(1)).map(width).collect();
    rows.iter()
        .map(|row| {
            let (last, cells) = row
                .split_last()
                .map_or(("", row.as_slice()), |(last, cells)| (last, cells));
            let padded = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}  "));
            let start = padded.collect::<Vec<_>>().concat();
            let below = format!("\n{}", " ".repeat(start.chars().count()));
            format!("{start}{}", last.replace('\n', &below)).trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        let owned = |row: &&[&str]| row.iter().map(ToString::to_string).collect();
        rows.iter().map(owned).collect()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(
            columns(&rows(&[&["a", "äöü", "x"], &["bcd", "e", ""]])),
            ["a    äöü  x", "bcd  e"]
        );
    }

    #[test]
    fn further_lines_of_the_last_cell_stand_below_its_first() {
        assert_eq!(
            columns(&rows(&[&["a", "one\ntwo"], &["bc", "x"]])),
            ["a   one\n    two", "bc  x"]
        );
    }
}
