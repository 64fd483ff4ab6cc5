//! Both migration folders make the same schema: tables, columns, nullability, keys, uniqueness, indexes, references.

use crate::harness::on_both;
use relance_storage::{Engine, Result, Row, Store, args};
use std::{collections::BTreeSet, sync::Mutex};

/// The full-text index is the one true difference: a virtual table with a row number on SQLite, an expression index
/// on PostgreSQL.
const SEARCH: &str = "people_search";

async fn lines(store: &Store, sql: &str) -> Vec<Vec<String>> {
    let mut tx = store.read().await.unwrap();
    let read = |row: &Row| -> Result<Vec<String>> { Ok(row.text("line")?.split('|').map(str::to_owned).collect()) };
    tx.all(sql, args![], read).await.unwrap()
}

/// `table.column type nullable`, with the types of SQLite standing for those of PostgreSQL.
async fn columns(store: &Store) -> BTreeSet<String> {
    let sql = match store.engine() {
        Engine::Sqlite => {
            "SELECT t.name || '|' || c.name || '|' || lower(c.type) || '|' ||
                CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN 'NO' ELSE 'YES' END AS line
            FROM sqlite_schema t JOIN pragma_table_info(t.name) c
            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'people_search%'"
        }
        Engine::Postgres => {
            "SELECT table_name || '|' || column_name || '|' || data_type || '|' || is_nullable AS line
            FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let of_sqlite = |kind: &str| match kind {
        "bigint" | "boolean" => "integer".to_owned(),
        "uuid" | "bytea" => "blob".to_owned(),
        other => other.to_owned(),
    };
    lines(store, sql)
        .await
        .into_iter()
        .filter(|line| line[1] != "search_number")
        .map(|line| format!("{}.{} {} nullable {}", line[0], line[1], of_sqlite(&line[2]), line[3]))
        .collect()
}

/// `table (columns in order) unique partial`, whatever the name of the index.
async fn indexes(store: &Store) -> BTreeSet<String> {
    let sql = match store.engine() {
        Engine::Sqlite => {
            "SELECT t.name || '|' || i.\"unique\" || '|' || i.partial || '|' ||
                (SELECT group_concat(c.name, ',') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) c)
                AS line
            FROM sqlite_schema t JOIN pragma_index_list(t.name) i
            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'people_search%'"
        }
        Engine::Postgres => {
            "SELECT t.relname || '|' || CAST(i.indisunique AS int) || '|' || CAST(i.indpred IS NOT NULL AS int) || '|' ||
                (SELECT string_agg(a.attname, ',' ORDER BY k.place)
                FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
                JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) AS line
            FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
            JOIN pg_class x ON x.oid = i.indexrelid
            WHERE n.nspname = 'public' AND x.relname <> 'people_search'"
        }
    };
    lines(store, sql)
        .await
        .into_iter()
        .map(|line| format!("{} ({}) unique {} partial {}", line[0], line[3], line[1], line[2]))
        // A single INTEGER PRIMARY KEY is the table itself on SQLite and has no index.
        .filter(|line| {
            !matches!(
                line.as_str(),
                "workspace (id) unique 1 partial 0" | "schema_migrations (number) unique 1 partial 0"
            )
        })
        .collect()
}

/// The names of the indexes that the migrations name.
async fn index_names(store: &Store) -> BTreeSet<String> {
    let sql = match store.engine() {
        Engine::Sqlite => "SELECT name AS line FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
        Engine::Postgres => {
            "SELECT x.indexname AS line FROM pg_indexes x WHERE x.schemaname = 'public' AND NOT EXISTS
                (SELECT 1 FROM pg_constraint c WHERE c.conindid = CAST(CAST(x.indexname AS regclass) AS oid)
                AND c.contype IN ('p', 'u'))"
        }
    };
    lines(store, sql).await.into_iter().map(|line| line[0].clone()).filter(|name| name != SEARCH).collect()
}

/// `table.column → table` of every reference, and what a deletion does.
async fn references(store: &Store) -> BTreeSet<String> {
    let sql = match store.engine() {
        Engine::Sqlite => {
            "SELECT t.name || '|' || f.\"from\" || '|' || f.\"table\" || '|' ||
                CASE f.on_delete WHEN 'CASCADE' THEN 'c' ELSE 'a' END AS line
            FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'"
        }
        Engine::Postgres => {
            "SELECT t.relname || '|' || a.attname || '|' || r.relname || '|' || CAST(c.confdeltype AS text) AS line
            FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'"
        }
    };
    lines(store, sql).await.into_iter().map(|line| line.join(" ")).collect()
}

/// `table number` of the checks of every table.
async fn checks(store: &Store) -> BTreeSet<String> {
    let sql = match store.engine() {
        Engine::Sqlite => {
            "SELECT name || '|' || ((length(sql) - length(replace(sql, 'CHECK (', ''))) / 7) AS line
            FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%CHECK (%'"
        }
        Engine::Postgres => {
            "SELECT t.relname || '|' || COUNT(*) AS line FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
            JOIN pg_namespace n ON n.oid = t.relnamespace
            WHERE c.contype = 'c' AND n.nspname = 'public' GROUP BY t.relname"
        }
    };
    lines(store, sql).await.into_iter().map(|line| line.join(" ")).collect()
}

#[tokio::test]
async fn both_engines_have_the_same_schema() {
    let found: Mutex<Vec<[BTreeSet<String>; 5]>> = Mutex::default();
    on_both("schema", |store| {
        let found = &found;
        async move {
            let schema = [
                columns(&store).await,
                indexes(&store).await,
                index_names(&store).await,
                references(&store).await,
                checks(&store).await,
            ];
            assert!(schema.iter().all(|part| part.len() > 5), "{schema:?}");
            found.lock().unwrap().push(schema);
        }
    })
    .await;
    let found = found.into_inner().unwrap();
    if let [sqlite, postgres] = found.as_slice() {
        for (a, b) in sqlite.iter().zip(postgres) {
            let only_sqlite: Vec<_> = a.difference(b).collect();
            let only_postgres: Vec<_> = b.difference(a).collect();
            assert!(
                only_sqlite.is_empty() && only_postgres.is_empty(),
                "SQLite {only_sqlite:#?}, PostgreSQL {only_postgres:#?}"
            );
        }
    }
}

#[tokio::test]
async fn migrations_are_applied_once() {
    on_both("migrations", |store| async move {
        assert!(store.migrate().await.unwrap().is_empty());
        let mut tx = store.read().await.unwrap();
        let sql = "SELECT COUNT(*) AS number FROM schema_migrations";
        assert!(tx.one(sql, args![], |row| row.int("number")).await.unwrap() >= 1);
    })
    .await;
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    on_both("newer", |store| async move {
        let mut tx = store.begin().await.unwrap();
        tx.execute("INSERT INTO schema_migrations (number, name) VALUES (9999, 'later')", args![]).await.unwrap();
        tx.commit().await.unwrap();
        let refused = store.migrate().await.unwrap_err();
        assert!(refused.to_string().contains("use a newer program"), "{refused}");
    })
    .await;
}
