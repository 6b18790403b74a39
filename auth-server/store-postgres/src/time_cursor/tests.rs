use super::*;

const DATABASE: Uuid = Uuid::from_u128(7);
const NOW: i64 = 2_000_000_000_000_000;
const SECOND: i64 = 1_000_000;

fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

fn cursor(passes: Passes, row: Option<RowKey>) -> TimeCursor {
    TimeCursor { database_id: DATABASE, passes, row }
}

fn row() -> RowKey {
    let entry = EntryKey { user_id: Uuid::from_u128(3), kind: "token".into(), subject: "a_b.c% ü".into() };
    RowKey { created_at: at(NOW), entry }
}

/// From which time on a pass at `now` reads.
fn from(asked: Option<TimeCursor>, now: i64, reach: Reach) -> i64 {
    Pass::resume(asked, DATABASE, at(now), reach).after.created_at.timestamp_micros()
}

#[test]
fn a_pass_reads_two_seconds_again_each_second_thirty_and_each_minute_everything() {
    let passes = |last: i64, long: i64, full: i64| Passes {
        last: NOW - last,
        complete: NOW - last,
        long: NOW - long,
        full: NOW - full,
    };
    for (before, expected) in [
        (passes(50_000, 50_000, 50_000), NOW - 50_000 - 2 * SECOND),
        (passes(50_000, SECOND - 1, 60 * SECOND - 1), NOW - 50_000 - 2 * SECOND),
        (passes(50_000, SECOND, 60 * SECOND - 1), NOW - 50_000 - 30 * SECOND),
        (passes(10 * SECOND, 10 * SECOND, 10 * SECOND), NOW - 40 * SECOND),
        (passes(50_000, SECOND, 60 * SECOND), 0),
        (passes(3_600 * SECOND, 3_600 * SECOND, 3_600 * SECOND), 0),
        // The clock of this node is behind that of the one before.
        (passes(-SECOND, -SECOND, 0), NOW - 2 * SECOND),
    ] {
        assert_eq!(from(Some(cursor(before, None)), NOW, Reach::EveryNode), expected, "{before:?}");
    }
    assert_eq!(from(None, NOW, Reach::EveryNode), 0, "without a cursor");
    assert_eq!(from(Some(cursor(Passes::up_to(NOW), None)), NOW, Reach::EveryNode), NOW - 2 * SECOND);
}

#[test]
fn after_an_outage_a_pass_reads_everything_since_the_last_complete_one() {
    let start =
        |passes: Passes, now, reach| Pass::resume(Some(cursor(passes, None)), DATABASE, at(now), reach);
    let before = Passes::up_to(NOW);
    let first = start(before, NOW + SECOND, Reach::SomeNodes);
    let second = start(first.passes, NOW + 5 * SECOND, Reach::SomeNodes);
    assert_eq!(second.after, RowKey::before(NOW + SECOND - 30 * SECOND), "entries of the other nodes flow");
    let recovered = start(second.passes, NOW + 6 * SECOND, Reach::EveryNode);
    assert_eq!(recovered.after, RowKey::before(NOW - 30 * SECOND));
    let next = start(recovered.passes, NOW + 6 * SECOND + 50_000, Reach::EveryNode);
    assert_eq!(next.after, RowKey::before(NOW + 4 * SECOND), "only once");
}

#[test]
fn a_node_that_goes_down_within_a_pass_makes_it_start_over() {
    let within = Pass::resume(None, DATABASE, at(NOW), Reach::EveryNode).passes;
    let partial = Pass::resume(Some(cursor(within, Some(row()))), DATABASE, at(NOW), Reach::SomeNodes);
    assert_eq!(partial.after, RowKey::before(0));
    let rest = Pass::resume(Some(cursor(partial.passes, Some(row()))), DATABASE, at(NOW), Reach::SomeNodes);
    assert_eq!(rest.after, row(), "the next page of the same partial pass");
    let recovered = cursor(partial.passes, None);
    assert_eq!(from(Some(recovered), NOW + SECOND, Reach::EveryNode), 0, "nothing is known to be complete");
}

#[test]
fn within_a_pass_reading_continues_after_the_last_row() {
    let pass = Pass::resume(None, DATABASE, at(NOW), Reach::EveryNode);
    let next = pass.clone().next(DATABASE, Some(row()));
    let rest = Pass::resume(TimeCursor::parse(next.as_str()), DATABASE, at(NOW + SECOND), Reach::EveryNode);
    assert_eq!((rest.after, rest.passes), (row(), pass.passes), "the start of the pass is remembered");
}

#[test]
fn only_a_cursor_of_this_database_and_kind_is_continued() {
    let genuine = cursor(Passes::up_to(NOW), Some(row()));
    let text = genuine.cursor().as_str().to_owned();
    assert_eq!(TimeCursor::parse(&text), Some(genuine.clone()));
    let without_row = cursor(Passes::up_to(NOW), None);
    assert_eq!(TimeCursor::parse(without_row.cursor().as_str()), Some(without_row));
    for strange in [
        "",
        "_",
        "x_t_1_1_1_1_",
        &format!("{text}_1"),
        &format!("{text}0"),
        &text.replace("_t_", "_1_"),
        &format!("{}_1__9_1", DATABASE.simple()),
        &format!("{}_t_1_1_1_{}_", DATABASE.simple(), u128::MAX),
    ] {
        assert_eq!(TimeCursor::parse(strange), None, "{strange}");
    }
    let elsewhere = TimeCursor { database_id: Uuid::from_u128(8), ..genuine };
    assert_eq!(from(Some(elsewhere), NOW, Reach::EveryNode), 0);
    let future = cursor(Passes::up_to(NOW + 61 * SECOND), None);
    assert_eq!(from(Some(future), NOW, Reach::EveryNode), 0);
    let past = cursor(Passes { last: -1, ..Passes::up_to(NOW) }, None);
    assert_eq!(from(Some(past), NOW, Reach::EveryNode), 0);
}
