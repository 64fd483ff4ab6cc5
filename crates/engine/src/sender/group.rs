//! Group commit: callers hand in one item each and get one answer each; what waits together is committed together.
//!
//! While one group commits, or waits for its turn at the database, the next gathers, so the group grows with the load
//! and a single email never waits for company. If a group fails, each of its callers gets the failure.

use std::future::Future;
use tokio::sync::{mpsc, oneshot};

/// Most items of one group; a write transaction must stay below 50 ms.
const LARGEST: usize = 200;

/// The way into a group.
pub struct Group<T, R> {
    queue: mpsc::Sender<(T, oneshot::Sender<R>)>,
}

impl<T, R> Clone for Group<T, R> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T: Send + 'static, R: Send + 'static> Group<T, R> {
    /// Starts the task that commits groups: it waits for `open`, takes what has gathered by then, and hands both to
    /// `commit`, which answers in order. It ends when the last caller is gone.
    pub fn start<O, Opening, Opened, F, Fut>(mut open: O, mut commit: F) -> Self
    where
        O: FnMut() -> Opening + Send + 'static,
        Opening: Future<Output = Opened> + Send,
        Opened: Send,
        F: FnMut(Opened, Vec<T>) -> Fut + Send + 'static,
        Fut: Future<Output = Vec<R>> + Send,
    {
        let (queue, mut waiting) = mpsc::channel::<(T, oneshot::Sender<R>)>(LARGEST * 4);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(LARGEST);
            while waiting.recv_many(&mut batch, LARGEST).await > 0 {
                let opened = open().await;
                while batch.len() < LARGEST
                    && let Ok(late) = waiting.try_recv()
                {
                    batch.push(late);
                }
                let (items, askers): (Vec<T>, Vec<oneshot::Sender<R>>) = batch.drain(..).unzip();
                for (asker, answer) in askers.into_iter().zip(commit(opened, items).await) {
                    // A caller that is gone has nobody to tell; what was committed stays committed.
                    let _ = asker.send(answer);
                }
            }
        });
        Self { queue }
    }

    /// Hands in `item` and waits for its answer; `None` if the group's task is gone.
    pub async fn submit(&self, item: T) -> Option<R> {
        let (asker, answer) = oneshot::channel();
        self.queue.send((item, asker)).await.ok()?;
        answer.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Group;

    #[tokio::test]
    async fn what_waits_together_is_committed_together_and_each_gets_its_own_answer() {
        let (sizes_in, mut sizes) = tokio::sync::mpsc::unbounded_channel();
        let commit = move |(), items: Vec<u32>| {
            sizes_in.send(items.len()).expect("the test reads sizes");
            async move { items.into_iter().map(|item| item * 2).collect() }
        };
        let group = Group::start(async || (), commit);
        let answers = futures::future::join_all((0..50).map(|n| group.submit(n))).await;
        assert_eq!(answers, (0..50).map(|n| Some(n * 2)).collect::<Vec<_>>());
        drop(group);
        let mut seen = Vec::new();
        while let Some(size) = sizes.recv().await {
            seen.push(size);
        }
        assert_eq!(seen.iter().sum::<usize>(), 50);
        assert!(seen.len() < 50, "some were grouped: {seen:?}");
    }
}
