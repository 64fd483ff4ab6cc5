//! Changing a draft step by step: where a step goes, what an undo brings back, and what two people change at once.
//!
//! All of it is about order and membership; the words of steps are the caller's. An undo touches only what the change
//! it takes back did, so that what was written since stays.

use crate::{StepId, sequence::Plan, step::Step};

/// What a form is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// One step.
    Step(StepId),
    /// Schedule, exit rules and unsubscribe.
    Settings,
}

impl Part {
    /// Somebody else changed this part, or took it out, between two drafts.
    pub fn differs(self, then: &Plan, now: &Plan) -> bool {
        match self {
            Self::Step(id) => then.step(id) != now.step(id),
            Self::Settings => {
                (&then.schedule, then.exit, &then.unsubscribe) != (&now.schedule, now.exit, &now.unsubscribe)
            }
        }
    }
}

impl Plan {
    fn place_of(&self, before: Option<StepId>) -> usize {
        before.and_then(|id| self.position(id)).map_or(self.steps.len(), |position| position - 1)
    }

    /// Puts a new step before another one; at the end if that is not there.
    pub fn insert(&mut self, step: Step, before: Option<StepId>) {
        let place = self.place_of(before);
        self.steps.insert(place, step);
    }

    /// Moves a step before another one; to the end if that is not there. False if nothing moved.
    pub fn place(&mut self, id: StepId, before: Option<StepId>) -> bool {
        let Some(from) = self.steps.iter().position(|step| step.id == id).filter(|_| before != Some(id)) else {
            return false;
        };
        let step = self.steps.remove(from);
        let to = self.place_of(before);
        self.steps.insert(to, step);
        from != to
    }

    /// Moves a step one up or down. False if it is the first or last already.
    pub fn shift(&mut self, id: StepId, up: bool) -> bool {
        let Some(from) = self.steps.iter().position(|step| step.id == id) else { return false };
        let to = if up { from.checked_sub(1) } else { Some(from + 1).filter(|to| *to < self.steps.len()) };
        let Some(to) = to else { return false };
        self.steps.swap(from, to);
        true
    }

    /// Takes back what changed the steps of `before` into those of `after`: what it deleted comes back to its place, what
    /// it added goes, the order is that of `before`. Words written since stay.
    pub fn take_back(&mut self, before: &Self, after: &Self) {
        self.steps.retain(|step| before.step(step.id).is_some() || after.step(step.id).is_none());
        for (index, step) in before.steps.iter().enumerate() {
            if after.step(step.id).is_none() && self.step(step.id).is_none() {
                let place = before.steps[..index].iter().rev().find_map(|step| self.position(step.id)).unwrap_or(0);
                self.steps.insert(place, step.clone());
            }
        }
        let moved = |plan: &Self, other: &Self| -> Vec<StepId> {
            plan.steps.iter().map(|step| step.id).filter(|id| other.step(*id).is_some()).collect()
        };
        if moved(before, after) != moved(after, before) {
            self.order_as(before);
        }
    }

    /// The steps it shares with `other` in that order; each other one stays behind the step it stood behind.
    fn order_as(&mut self, other: &Self) {
        let mut left: Vec<Step> = std::mem::take(&mut self.steps);
        let mut followers: Vec<(Option<StepId>, Step)> = Vec::new();
        let mut behind = None;
        for step in left.clone() {
            if other.step(step.id).is_none() {
                followers.push((behind, step.clone()));
                left.retain(|kept| kept.id != step.id);
            }
            behind = Some(step.id);
        }
        for known in &other.steps {
            if let Some(place) = left.iter().position(|step| step.id == known.id) {
                self.steps.push(left.remove(place));
            }
        }
        for (behind, step) in followers {
            let place = behind.and_then(|id| self.position(id)).unwrap_or(0);
            self.steps.insert(place, step);
        }
    }
}
