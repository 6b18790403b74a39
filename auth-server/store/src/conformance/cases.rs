//! The list of all cases, which every backend runs.

/// Makes a test of each case, on what the named `async fn() -> Subject` gives.
#[macro_export]
macro_rules! conformance {
    ($fresh:ident) => {
        $crate::conformance! { @tests run_unmigrated $fresh maintenance
            an_empty_database_is_not_ready_until_it_is_migrated
            before_it_is_migrated_every_verb_says_so
            migrating_again_changes_nothing
            many_may_migrate_at_once
            a_database_that_a_newer_program_migrated_is_ready_too
            what_could_not_be_committed_is_no_success
            a_store_that_let_go_answers_that_it_is_not_available
        }
        $crate::conformance! { @tests run $fresh users
            somebody_is_kept_as_they_were_added
            an_address_is_taken_in_every_spelling_in_capitals
            an_id_is_not_given_to_another
            credentials_are_found_by_the_folded_address
            credentials_are_given_also_of_somebody_disabled
            somebody_may_have_no_password
            people_are_listed_in_the_order_of_their_ids_page_by_page
            users_are_searched_by_a_part_of_their_address_page_by_page
            the_list_says_who_is_disabled_and_since_when
            somebody_corrupt_is_named_as_such
            somebody_is_found_by_their_id_and_by_their_address
        }
        $crate::conformance! { @tests run $fresh changing
            roles_are_those_that_were_set_last_and_the_next_refresh_knows_them
            roles_are_replaced_only_if_they_are_still_the_ones_that_were_read
            an_address_is_changed_unless_another_user_has_it
            an_address_is_confirmed_only_while_the_user_has_it
            a_password_that_somebody_changes_ends_their_other_sessions
            a_password_is_changed_only_on_what_was_verified
            a_password_that_an_administrator_sets_ends_all_sessions
            somebody_disabled_is_signed_out_everywhere_and_signs_in_no_more
            somebody_deleted_is_gone_with_their_sessions_and_their_address_is_free
            nobody_is_changed
        }
        $crate::conformance! { @tests run $fresh upgrading
            a_hash_is_upgraded_and_sessions_go_on
            a_hash_that_is_another_by_now_is_not_upgraded
        }
        $crate::conformance! { @tests run $fresh opening
            a_session_is_stored_as_it_was_asked_for
            what_a_session_may_lack_it_lacks
            a_session_is_dated_by_the_clock_of_the_store
            one_person_may_have_many_sessions
            nothing_opens_for_somebody_disabled
            nothing_opens_with_a_password_that_was_changed_since
            nothing_opens_for_somebody_who_has_no_password_any_more
            nothing_opens_for_nobody
            an_id_is_not_given_twice
        }
        $crate::conformance! { @tests run $fresh rotating
            a_rotation_advances_the_generation_and_nothing_else
            each_token_rotates_once
            a_generation_that_never_was_rotates_nothing
            another_client_rotates_nothing_and_the_token_stays_good_for_its_own
            another_jti_rotates_nothing_and_the_token_stays_good
            a_session_is_found_by_both_halves_of_its_key_or_not_at_all
            a_disabled_persons_token_rotates_nothing
            a_session_ends_at_its_end_however_often_it_was_refreshed
            a_session_ends_when_it_was_idle_for_too_long
            an_end_that_is_now_is_over
            a_session_that_has_no_time_at_all_never_rotates
            without_a_lifetime_a_session_is_good_for_a_century
            a_clock_that_was_set_back_ends_nothing
            a_corrupt_session_is_named_as_such
            a_corrupt_person_is_named_as_such
        }
        $crate::conformance! { @tests run $fresh batching
            each_gets_its_own_session_however_many_arrive_together
            what_is_wrong_with_one_costs_none_of_the_others_anything
        }
        $crate::conformance! { @tests run $fresh touching
            a_touch_moves_the_last_use_and_nothing_else
            any_generation_up_to_the_current_one_is_touched_as_often_as_one_likes
            another_client_or_another_jti_touches_nothing
            a_disabled_persons_session_is_not_touched
            touching_pushes_no_end_out_and_comes_too_late_after_idling
            what_has_ended_is_not_touched
        }
        $crate::conformance! { @tests run $fresh forgiving
            forgiving_notes_the_generation_and_counts_as_use
            what_was_forgiven_is_remembered_through_rotations
            only_the_generation_before_the_current_one_is_forgiven
            nothing_is_forgiven_when_something_else_was_meanwhile
            nothing_is_forgiven_to_somebody_who_was_disabled_or_signed_out_meanwhile
            nothing_is_forgiven_at_the_end_or_after_it
            forgiving_a_corrupt_session_names_it_as_such
        }
        $crate::conformance! { @tests run $fresh ending
            an_ended_session_is_gone_and_on_record_for_as_long_as_its_tokens_may_live
            any_generation_of_a_token_proves_that_a_session_is_ones_own
            a_wrong_proof_ends_nothing_and_records_nothing
            all_of_a_persons_sessions_end_but_the_one_excepted
            what_was_gone_already_is_on_record_once
            what_never_was_here_is_put_on_record_all_the_same
            only_the_session_that_is_named_ends
            a_session_that_may_not_go_on_is_ended_like_any_other
            somebody_is_deleted_only_after_their_sessions_were_ended
        }
        $crate::conformance! { @tests run $fresh listing
            a_session_is_found_as_it_is_also_when_it_may_not_go_on
            a_persons_sessions_are_listed_in_the_order_of_their_ids_page_by_page
            a_list_says_of_each_session_what_its_owner_knows_it_by
        }
        $crate::conformance! { @tests run $fresh pruning
            sessions_beyond_so_many_end_and_are_on_record_the_least_recently_used_first
            what_was_just_opened_is_not_ended_for_what_was_there_before
            no_more_than_so_many_surplus_sessions_end_in_one_go
            of_many_who_sign_in_at_once_none_ends_more_than_is_surplus
        }
        $crate::conformance! { @tests run $fresh sweeping
            a_session_is_swept_once_no_access_token_of_it_can_live
            an_idle_session_is_swept_by_its_last_use
            a_sweep_goes_through_all_sessions_slice_by_slice
            a_record_is_swept_once_its_time_is_over_and_not_before
            a_sweep_takes_no_more_than_it_was_told_and_the_oldest_first
        }
        $crate::conformance! { @tests run $fresh feed
            every_way_to_end_a_session_is_read_once_it_is_committed
            a_token_is_put_on_record_by_its_jti_once
            reading_goes_on_where_it_stopped_page_by_page
            what_was_read_is_not_lost_when_more_comes_than_fits_a_page
            what_commits_late_is_read_all_the_same
            a_record_is_read_until_its_time_is_over
            a_cursor_that_this_database_never_gave_starts_over
            who_waits_is_told_of_what_this_store_has_recorded
            from_now_on_means_what_is_committed_from_now_on
            readers_miss_nothing_that_many_writers_record
        }
        $crate::conformance! { @tests run $fresh races
            of_many_rotations_of_one_token_exactly_one_rotates
            a_session_that_is_refreshed_all_the_time_ends_all_the_same
            of_many_who_end_one_session_exactly_one_ends_it
            of_many_who_forgive_one_retry_exactly_one_notes_it
            of_many_with_one_address_exactly_one_is_added
            of_many_who_upgrade_one_hash_exactly_one_does
            an_end_that_nobody_waits_for_is_whole_or_not_at_all
            of_many_who_end_all_of_a_persons_sessions_each_session_is_ended_once
            an_end_of_all_that_nobody_waits_for_is_whole_or_not_at_all
            a_sign_in_that_races_a_password_change_leaves_nothing_open
            a_sign_in_that_races_a_disable_leaves_nothing_open
            a_session_that_is_refreshed_all_the_time_ends_with_its_person
            of_two_who_change_one_password_exactly_one_does
            ends_of_many_and_sweeps_at_once_reach_no_deadlock
        }
    };
    (@tests $run:ident $fresh:ident $group:ident $($case:ident)*) => {
        mod $group {
            $(
                #[test]
                fn $case() {
                    $crate::conformance::$run(super::$fresh, $crate::conformance::$group::$case);
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_case_is_forgotten() {
        let list = include_str!("cases.rs");
        let files = [
            include_str!("maintenance.rs"),
            include_str!("users.rs"),
            include_str!("opening.rs"),
            include_str!("changing.rs"),
            include_str!("rotating.rs"),
            include_str!("touching.rs"),
            include_str!("forgiving.rs"),
            include_str!("ending.rs"),
            include_str!("listing.rs"),
            include_str!("pruning.rs"),
            include_str!("sweeping.rs"),
            include_str!("feed.rs"),
            include_str!("races.rs"),
            include_str!("upgrading.rs"),
        ];
        let cases =
            files.iter().flat_map(|file| file.lines()).filter_map(|line| line.strip_prefix("pub async fn "));
        for case in cases.filter_map(|rest| rest.split('(').next()) {
            assert!(list.lines().any(|line| line.trim() == case), "{case} is not in the list");
        }
    }
}
