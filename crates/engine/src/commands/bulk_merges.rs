//! Which leads of a selection share their address with a contact, counted before a bulk conversion asks what to do.
//!
//! Looks at the first 10,000; whoever the actor does not see is not counted.

use super::{
    bulk::{Selection, seen_query},
    teams::sight,
};
use crate::{Engine, Result};
use relance_domain::{
    PersonId,
    person::{Kind, email_key},
    user::{Actor, Sight},
};
use relance_storage::{Tx, people, people_lists};
use std::collections::{HashMap, HashSet};

const CHUNK: usize = 500;
const MOST: usize = 10_000;

/// What converting a selection would meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BulkMerges {
    /// Leads that one contact shares its address with: they could be merged into it.
    pub one: usize,
    /// Leads that several contacts share their address with: somebody must choose.
    pub several: usize,
    /// There are more people than were looked at.
    pub is_cut: bool,
}

impl Engine {
    /// Counts the leads of a selection that a contact shares its address with.
    pub async fn bulk_merges(&self, actor: &Actor, selection: &Selection) -> Result<BulkMerges> {
        let mut tx = self.store.read().await?;
        let sight = sight(&mut tx, actor).await?;
        let (mut merges, mut seen, mut looked_at, mut after) = (BulkMerges::default(), HashSet::new(), 0, None);
        loop {
            let ids: Vec<PersonId> = match selection {
                Selection::Ids(ids) => ids.iter().skip(looked_at).take(CHUNK).copied().collect(),
                Selection::Matching { .. } => {
                    let query = seen_query(&mut tx, actor, selection).await?;
                    people_lists::ids(&mut tx, &query, after, CHUNK).await?
                }
            };
            let Some(last) = ids.last() else { return Ok(merges) };
            if looked_at >= MOST {
                return Ok(BulkMerges { is_cut: true, ..merges });
            }
            (looked_at, after) = (looked_at + ids.len(), Some(*last));
            count(&mut tx, &sight, &ids, &mut seen, &mut merges).await?;
        }
    }
}

/// Adds some people; `seen` has the addresses of the leads before them, the first of which will be a contact by then.
async fn count(
    tx: &mut Tx,
    sight: &Sight,
    ids: &[PersonId],
    seen: &mut HashSet<String>,
    merges: &mut BulkMerges,
) -> Result<()> {
    let leads = people::find_many(tx, ids).await?;
    let leads = leads.iter().filter(|person| person.kind == Kind::Lead && sight.sees(person.fields.owner_id));
    let keys: Vec<String> = leads.filter_map(|lead| email_key(&lead.fields.email)).collect();
    let mut contacts: HashMap<String, usize> = HashMap::new();
    for (key, person) in people::find_by_address_keys(tx, &keys).await? {
        if person.kind == Kind::Contact && sight.sees(person.fields.owner_id) {
            *contacts.entry(key).or_default() += 1;
        }
    }
    for key in keys {
        let there = contacts.get(&key).copied().unwrap_or_default();
        let met_before = !seen.insert(key);
        match there {
            0 if !met_before => {}
            0 | 1 => merges.one += 1,
            _ => merges.several += 1,
        }
    }
    Ok(())
}
