//! What one version of a sequence changed of the one before, in sentences: for its history tab and for the API.

use relance_domain::sequence::Plan;

use crate::pages::schedule;

/// What publishing `after` changed of `before`, in sentences; none if nothing.
pub fn differences(before: &Plan, after: &Plan) -> Vec<String> {
    let mut said = Vec::new();
    for (index, step) in after.steps.iter().enumerate() {
        let number = index + 1;
        match before.step(step.id) {
            None => said.push(format!("Step {number} is new: {}.", step.label())),
            Some(old) => {
                if old.wait != step.wait {
                    said.push(format!(
                        "Step {number}: {} instead of {}.",
                        step.wait.words().to_lowercase(),
                        old.wait.words().to_lowercase()
                    ));
                }
                if old.action != step.action {
                    said.push(format!("Step {number} says something else."));
                }
                if before.position(step.id) != Some(number) {
                    said.push(format!("Step {number} was step {}.", before.position(step.id).unwrap_or_default()));
                }
            }
        }
    }
    let gone = before.steps.iter().filter(|step| after.step(step.id).is_none());
    said.extend(gone.map(|step| format!("Gone: {}.", step.label())));
    if before.schedule != after.schedule {
        said.push(format!("Emails leave {}.", schedule::sentence(after.schedule.as_ref())));
    }
    if before.exit != after.exit {
        said.push("Other exit rules.".to_owned());
    }
    if before.unsubscribe != after.unsubscribe {
        said.push(
            if after.unsubscribe.enabled { "With an unsubscribe line." } else { "Without an unsubscribe line." }
                .to_owned(),
        );
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sequences::step_form::fresh;

    #[test]
    fn each_version_says_what_it_changed() {
        let mut first = fresh("automated_email", false, false).expect("a kind");
        first.id = relance_domain::StepId::from_uuid(uuid::Uuid::from_u128(1));
        let mut later = first.clone();
        later.wait.amount = 2;
        let second = fresh("task", true, true).expect("a kind");
        let before = Plan { steps: vec![first], ..Plan::default() };
        let after = Plan {
            steps: vec![later, second],
            schedule: Some(relance_domain::schedule::Schedule::default()),
            ..Plan::default()
        };
        let said = differences(&before, &after).join(" ");
        for words in ["Step 1: 2 minutes instead of immediately.", "Step 2 is new", "Mon to Fri"] {
            assert!(said.contains(words), "{said}");
        }
        assert!(differences(&after, &after).is_empty());
    }
}
