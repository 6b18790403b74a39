//! An order that spreads consecutive accesses over a table, as requests of independent users are.

/// The numbers below `number`, each once, in such an order.
pub(super) fn spread(number: u64) -> impl Iterator<Item = u64> {
    let jump = jump(number);
    (0..number).map(move |turn| turn * jump % number)
}

/// The distance between consecutive accesses: coprime to `number`, so that each number occurs.
pub(super) fn jump(number: u64) -> u64 {
    (number * 618 / 1000..number).find(|jump| *jump > 0 && common_factor(*jump, number) == 1).unwrap_or(1)
}

fn common_factor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { common_factor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_number_occurs_once() {
        for number in [1, 2, 10, 300, 1_000, 1_024] {
            let visited: BTreeSet<u64> = spread(number).collect();
            assert_eq!(visited, (0..number).collect(), "{number}");
        }
    }

    #[test]
    fn adjacent_numbers_are_not_consecutive() {
        let order: Vec<u64> = spread(1_000).collect();
        assert!(order.windows(2).all(|two| two[0].abs_diff(two[1]) > 100));
    }
}
