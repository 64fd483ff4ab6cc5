//! Long work: jobs, their rows and files.

use crate::{
    fixtures,
    harness::{at, id, on_both},
};
use relance_domain::{JobId, UserId};
use relance_storage::jobs::{self, Job, JobKind, JobRow, JobState, Progress};

fn job(n: u128, user: UserId, seconds: i64) -> Job {
    Job {
        id: id(n),
        kind: JobKind::ImportPeople,
        state: JobState::Queued,
        created_by: Some(user),
        title: "Import of leads.csv".to_owned(),
        payload: serde_json::json!({"kind": "lead"}),
        cursor: String::new(),
        total: 0,
        done_count: 0,
        refused_count: 0,
        summary: serde_json::json!({}),
        error: None,
        created_at: at(seconds),
        updated_at: at(seconds),
        finished_at: None,
    }
}

fn row(number: i64, outcome: &str) -> JobRow {
    JobRow {
        number,
        outcome: outcome.to_owned(),
        reason: "because".to_owned(),
        person_id: Some(id(1)),
        enrollment_id: None,
        data: "a,b".to_owned(),
    }
}

#[tokio::test]
async fn a_job_goes_on_where_its_last_chunk_ended() {
    on_both("jobs", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let user = fixtures::user(&mut tx, 1).await;
        jobs::create(&mut tx, &job(1, user, 1), &[b"one", b"two"]).await.unwrap();
        jobs::create(&mut tx, &job(2, user, 2), &[]).await.unwrap();
        jobs::append_file_part(&mut tx, id(1), 2, b"three").await.unwrap();
        assert_eq!(jobs::next_unfinished(&mut tx).await.unwrap(), Some(job(1, user, 1)));
        assert_eq!(jobs::read_file_part(&mut tx, id(1), 1).await.unwrap(), Some(b"two".to_vec()));
        assert_eq!(jobs::read_file_part(&mut tx, id(1), 2).await.unwrap(), Some(b"three".to_vec()));
        assert_eq!(jobs::read_file_part(&mut tx, id(1), 3).await.unwrap(), None);

        let summary = serde_json::json!({"created": 2});
        let chunk = Progress { cursor: "2".to_owned(), total: 4, done: 1, refused: 1, summary: summary.clone() };
        let rows = [row(1, "created"), row(2, "refused")];
        assert!(jobs::save_progress(&mut tx, id(1), &chunk, &rows, at(5)).await.unwrap());
        let rows = [row(3, "created")];
        assert!(
            jobs::save_progress(&mut tx, id(1), &Progress { cursor: "3".to_owned(), ..chunk.clone() }, &rows, at(6))
                .await
                .unwrap()
        );
        let running = jobs::lock_unfinished(&mut tx, id(1)).await.unwrap().unwrap();
        let expected = Job {
            state: JobState::Running,
            cursor: "3".to_owned(),
            total: 4,
            done_count: 2,
            refused_count: 2,
            summary,
            updated_at: at(6),
            ..job(1, user, 1)
        };
        assert_eq!(running, expected);
        assert_eq!(jobs::list_rows(&mut tx, id(1), None, 0, 2).await.unwrap(), [row(1, "created"), row(2, "refused")]);
        assert_eq!(jobs::list_rows(&mut tx, id(1), Some("created"), 1, 9).await.unwrap(), [row(3, "created")]);
        let counts = jobs::count_rows(&mut tx, id(1)).await.unwrap();
        assert_eq!(counts, [("created".to_owned(), 2), ("refused".to_owned(), 1)]);

        assert!(jobs::finish(&mut tx, id(1), at(7)).await.unwrap());
        assert!(!jobs::cancel(&mut tx, id(1), at(8)).await.unwrap());
        assert!(!jobs::save_progress(&mut tx, id(1), &chunk, &[], at(8)).await.unwrap());
        assert_eq!(jobs::lock_unfinished(&mut tx, id(1)).await.unwrap(), None);
        assert_eq!(jobs::read_file_part(&mut tx, id(1), 0).await.unwrap(), None, "the file goes with the work");
        let done = jobs::find(&mut tx, id(1)).await.unwrap().unwrap();
        assert_eq!((done.state, done.finished_at), (JobState::Done, Some(at(7))));
        assert_eq!(jobs::next_unfinished(&mut tx).await.unwrap().unwrap().id, id::<JobId>(2));
    })
    .await;
}

#[tokio::test]
async fn an_ended_job_keeps_its_report_until_it_is_purged() {
    on_both("jobs_ended", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let user = fixtures::user(&mut tx, 1).await;
        for n in 1..=3 {
            jobs::create(&mut tx, &job(n, user, i64::try_from(n).unwrap()), &[]).await.unwrap();
        }
        assert!(jobs::fail(&mut tx, id(1), "the file is no text", at(5)).await.unwrap());
        assert!(jobs::cancel(&mut tx, id(2), at(6)).await.unwrap());
        let failed = jobs::find(&mut tx, id(1)).await.unwrap().unwrap();
        assert_eq!((failed.state, failed.error.as_deref()), (JobState::Failed, Some("the file is no text")));
        let recent: Vec<JobId> =
            jobs::list_recent(&mut tx, Some(user), 2).await.unwrap().into_iter().map(|job| job.id).collect();
        assert_eq!(recent, [id::<JobId>(3), id(2)]);
        assert_eq!(jobs::list_recent(&mut tx, None, 9).await.unwrap().len(), 3);
        assert_eq!(jobs::list_recent(&mut tx, Some(id(9)), 9).await.unwrap().len(), 0);
        assert_eq!(jobs::purge(&mut tx, at(6), 9).await.unwrap(), 1);
        assert_eq!(jobs::purge(&mut tx, at(99), 9).await.unwrap(), 1);
        assert_eq!(jobs::find(&mut tx, id(2)).await.unwrap(), None);
        assert!(jobs::find(&mut tx, id(3)).await.unwrap().is_some());
    })
    .await;
}
