//! Moving, inserting and taking back steps of a draft.

use crate::build::{email, plan, step_id, wait};
use relance_domain::{
    drafting::Part,
    sequence::{Plan, Unsubscribe},
    step::{Step, WaitUnit},
};

fn step(n: u128) -> Step {
    email(n, wait(1, WaitUnit::Days))
}

fn draft(numbers: &[u128]) -> Plan {
    plan(numbers.iter().map(|n| step(*n)).collect(), None)
}

fn order(plan: &Plan) -> Vec<u128> {
    plan.steps.iter().map(|step| step.id.uuid().as_u128()).collect()
}

#[test]
fn a_step_is_moved_before_another_one_or_to_the_end() {
    let mut plan = draft(&[1, 2, 3, 4]);
    assert!(plan.place(step_id(4), Some(step_id(2))));
    assert_eq!(order(&plan), [1, 4, 2, 3]);
    assert!(plan.place(step_id(1), None));
    assert_eq!(order(&plan), [4, 2, 3, 1]);
    assert!(!plan.place(step_id(2), Some(step_id(2))) && !plan.place(step_id(9), None));
    assert!(!plan.place(step_id(4), Some(step_id(2))), "it stands there already");
    assert!(plan.shift(step_id(3), true) && !plan.shift(step_id(4), true) && !plan.shift(step_id(1), false));
    assert_eq!(order(&plan), [4, 3, 2, 1]);
    plan.insert(step(7), Some(step_id(2)));
    plan.insert(step(8), None);
    assert_eq!(order(&plan), [4, 3, 7, 2, 1, 8]);
}

#[test]
fn an_undo_brings_back_what_was_deleted_and_the_order_and_keeps_what_was_written_since() {
    let before = draft(&[1, 2, 3]);
    let deleted = draft(&[1, 3]);
    let mut now = draft(&[1, 3, 4]);
    now.steps[1].wait = wait(9, WaitUnit::Days);
    now.take_back(&before, &deleted);
    assert_eq!((order(&now), now.steps[2].wait.amount), (vec![1, 2, 3, 4], 9));

    let moved = draft(&[3, 1, 2]);
    let mut now = draft(&[3, 5, 1, 2]);
    now.take_back(&before, &moved);
    assert_eq!(order(&now), [1, 2, 3, 5], "a step added since stays behind the one it stood behind");

    let added = draft(&[1, 2, 6, 3]);
    let mut now = added.clone();
    now.take_back(&before, &added);
    assert_eq!(order(&now), [1, 2, 3]);
}

#[test]
fn only_what_a_form_is_about_counts_as_changed_meanwhile() {
    let then = draft(&[1, 2]);
    let mut now = draft(&[2, 1]);
    assert!(!Part::Step(step_id(1)).differs(&then, &now), "its place belongs to nobody");
    now.steps[0].wait = wait(5, WaitUnit::Days);
    assert!(Part::Step(step_id(2)).differs(&then, &now) && !Part::Step(step_id(1)).differs(&then, &now));
    assert!(Part::Step(step_id(2)).differs(&then, &draft(&[1])), "it was deleted");
    assert!(!Part::Settings.differs(&then, &now));
    now.unsubscribe = Unsubscribe { enabled: true, ..Unsubscribe::default() };
    assert!(Part::Settings.differs(&then, &now));
}
