//! The three sequences of the demo.

use relance_domain::{
    sequence::{Plan, Unsubscribe},
    step::{Action, EmailText, Step, TaskKind, TaskMode, TaskText, Wait, WaitUnit},
};
use relance_engine::{Engine, commands::sequences::SequenceFields};

fn days(amount: u32) -> Wait {
    Wait { amount, unit: WaitUnit::BusinessDays }
}

fn email(engine: &Engine, wait: Wait, subject: &str, body: &str) -> Step {
    let paragraphs: String = body.split("\n\n").map(|text| format!("<p>{}</p>", text.replace('\n', "<br>"))).collect();
    let email = EmailText {
        subject: subject.to_owned(),
        body_html: paragraphs,
        reply_in_thread: subject.is_empty(),
        ..EmailText::default()
    };
    Step { id: engine.new_step_id(), wait, action: Action::AutomatedEmail { email } }
}

fn task(engine: &Engine, wait: Wait, kind: TaskKind, content: &str, mode: TaskMode) -> Step {
    let task = TaskText { kind, content: content.to_owned(), due_in_days: 1, mode, overdue_days: 2 };
    Step { id: engine.new_step_id(), wait, action: Action::Task { task } }
}

fn plan(steps: Vec<Step>) -> Plan {
    let unsubscribe = Unsubscribe { enabled: true, locale: "en".to_owned() };
    Plan { steps, schedule: Some(relance_domain::schedule::Schedule::default()), unsubscribe, ..Plan::default() }
}

/// A first contact about depot doors: three emails and a LinkedIn task.
pub fn winter_depots(engine: &Engine) -> SequenceFields {
    SequenceFields {
        name: "Winter depots".to_owned(),
        description: "First contact with cold-chain depots before winter.".to_owned(),
        folder: "Prospecting".to_owned(),
        plan: plan(vec![
            email(
                engine,
                Wait::IMMEDIATELY,
                "Cold-chain gaps at {{ person.organization_name }}",
                "Hi {{ person.first_name }},\n\nmost {{ person.industry }} teams we meet lose cold at the dock doors and \
                 nobody sees it. We measured fourteen depots last winter: about one opening in five was never logged.\n\n\
                 Would a two-week measurement at one of your doors be useful?\n\nKind regards,\n{{ sender.name }}",
            ),
            task(engine, days(1), TaskKind::Linkedin, "Connect with {{ person.name }} on LinkedIn", TaskMode::GoOn),
            email(
                engine,
                days(2),
                "",
                "Hi {{ person.first_name }},\n\none number from the pilot: 11 of 14 door events were never logged by the \
                 old system. Is that something you would want to know about {{ person.organization_name }}?\n\n\
                 Kind regards,\n{{ sender.name }}",
            ),
            email(
                engine,
                days(5),
                "",
                "Hi {{ person.first_name }},\n\nthis is my last note on this. If doors become a topic, one line is \
                 enough.\n\nKind regards,\n{{ sender.name }}",
            ),
        ]),
        ..SequenceFields::default()
    }
}

/// After a trade fair: an email, a call, an email.
pub fn trade_fair(engine: &Engine) -> SequenceFields {
    SequenceFields {
        name: "Trade fair follow-up".to_owned(),
        description: "For people we met at the Cold Chain Expo.".to_owned(),
        plan: plan(vec![
            email(
                engine,
                Wait::IMMEDIATELY,
                "Our talk at the Cold Chain Expo",
                "Hi {{ person.first_name }},\n\nthank you for stopping by. As promised, here is the short summary of what \
                 we showed: sensors that go on in ten minutes and a report your team reads in one.\n\n\
                 Kind regards,\n{{ sender.name }}",
            ),
            task(
                engine,
                days(2),
                TaskKind::Call,
                "Call {{ person.first_name }} about the summary",
                TaskMode::WaitUntilOverdue,
            ),
            email(
                engine,
                days(3),
                "",
                "Hi {{ person.first_name }},\n\nshall we look at one of your sites together next week?\n\n\
                 Kind regards,\n{{ sender.name }}",
            ),
        ]),
        ..SequenceFields::default()
    }
}

/// For contacts whose contract ends: two emails.
pub fn service_renewal(engine: &Engine) -> SequenceFields {
    SequenceFields {
        name: "Service renewal".to_owned(),
        description: "Contacts whose service contract ends this quarter.".to_owned(),
        plan: plan(vec![
            email(
                engine,
                Wait::IMMEDIATELY,
                "Your sensors: contract until the end of the quarter",
                "Hello {{ person.first_name }},\n\nyour service contract ends with this quarter. Nothing stops working; \
                 battery changes and the yearly calibration would no longer be included.\n\nShall I renew it as it is?\n\n\
                 Kind regards,\n{{ sender.name }}",
            ),
            email(
                engine,
                days(4),
                "",
                "Hello {{ person.first_name }},\n\na short reminder: is *renew as it is* fine for \
                 {{ person.organization_name }}?\n\nKind regards,\n{{ sender.name }}",
            ),
        ]),
        ..SequenceFields::default()
    }
}
