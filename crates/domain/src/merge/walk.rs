//! Reads a text with merge tags and judges every part of it: what is allowed is listed here, all else is refused.
//!
//! Allowed are tags, literals, `{% if %}`, comparisons, `and`, `or`, `not`, `in`, `~` and the filters of this module.

use super::{format_date, tags::is_known};
use crate::Refused;
use minijinja::{
    Error, ErrorKind,
    machinery::{
        Span,
        ast::{BinOpKind, CallArg, CompareOpKind, Expr, Stmt, UnaryOpKind},
        parse,
    },
};

/// The tags of a text in order, each once, or the first thing that is not allowed.
pub fn walk(text: &str) -> Result<Vec<String>, Refused> {
    if !text.contains("{{") && !text.contains("{%") && !text.contains("{#") {
        return Ok(Vec::new());
    }
    let parsed = parse(text, "text", Default::default()).map_err(|error| unreadable(&error))?;
    let mut reader = Reader { tags: Vec::new() };
    reader.statement(&parsed)?;
    Ok(reader.tags)
}

/// The tags of a text that is allowed which are put into it without a default, in order, each once.
pub fn needed(text: &str) -> Result<Vec<String>, Refused> {
    if walk(text)?.is_empty() {
        return Ok(Vec::new());
    }
    let parsed = parse(text, "text", Default::default()).map_err(|error| unreadable(&error))?;
    let mut found = Vec::new();
    put_by_statements(std::slice::from_ref(&parsed), &mut found);
    let mut seen = Vec::new();
    found.retain(|path| {
        !seen.contains(path) && {
            seen.push(path.clone());
            true
        }
    });
    Ok(found)
}

fn put_by_statements(statements: &[Stmt], found: &mut Vec<String>) {
    for statement in statements {
        match statement {
            Stmt::Template(template) => put_by_statements(&template.children, found),
            Stmt::EmitExpr(emit) => put_by(&emit.expr, found),
            Stmt::IfCond(condition) => {
                let mut guarded = Vec::new();
                put_by_statements(&condition.true_body, &mut guarded);
                let asked = path_of(&condition.expr);
                found.extend(guarded.into_iter().filter(|path| Some(path) != asked.as_ref()));
                put_by_statements(&condition.false_body, found);
            }
            _ => {}
        }
    }
}

/// What an expression shows: a default stands in for what it is given, a condition shows one of its sides.
fn put_by(expression: &Expr, found: &mut Vec<String>) {
    match expression {
        Expr::Filter(node) if node.name == "default" => {}
        Expr::Filter(node) => {
            if let Some(expr) = node.expr.as_ref() {
                put_by(expr, found);
            }
        }
        Expr::IfExpr(node) => {
            put_by(&node.true_expr, found);
            if let Some(other) = node.false_expr.as_ref() {
                put_by(other, found);
            }
        }
        Expr::BinOp(node) if matches!(node.op, BinOpKind::Concat) => {
            put_by(&node.left, found);
            put_by(&node.right, found);
        }
        expression => {
            found.extend(path_of(expression));
        }
    }
}

/// The text cannot be read as a template.
pub fn unreadable(error: &Error) -> Refused {
    let line = error.line().unwrap_or(1);
    let detail = error.detail().unwrap_or("something is missing");
    let message = match detail.strip_prefix("unknown statement ") {
        Some(name) => not_allowed(name),
        None => format!("a merge tag is not written right: {detail}. A tag looks like {{{{ person.first_name }}}}."),
    };
    Refused::new("template_error", format!("Line {line}: {message}"))
}

/// The text was read, but cannot be rendered for this person.
pub fn unrenderable(error: &Error) -> Refused {
    let line = error.line().map_or_else(String::new, |line| format!("Line {line}: "));
    let what = match error.kind() {
        ErrorKind::OutOfFuel => "the text does too much to be an email.".to_owned(),
        _ => format!("{}.", error.detail().unwrap_or("a merge tag cannot be worked out")),
    };
    Refused::new("template_error", format!("{line}{what}"))
}

fn not_allowed(name: &str) -> String {
    format!("{{% {name} %}} cannot be used here. Use merge tags, filters and {{% if %}}.")
}

struct Reader {
    tags: Vec<String>,
}

fn refuse(span: Span, code: &str, message: &str) -> Result<(), Refused> {
    Err(Refused::new(code, format!("Line {}: {message}", span.start_line)))
}

impl Reader {
    fn statements(&mut self, statements: &[Stmt]) -> Result<(), Refused> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt) -> Result<(), Refused> {
        let (name, span) = match statement {
            Stmt::Template(template) => return self.statements(&template.children),
            Stmt::EmitRaw(_) => return Ok(()),
            Stmt::EmitExpr(emit) => return self.expression(&emit.expr),
            Stmt::IfCond(condition) => {
                self.expression(&condition.expr)?;
                self.statements(&condition.true_body)?;
                return self.statements(&condition.false_body);
            }
            Stmt::ForLoop(node) => ("for", node.span()),
            Stmt::WithBlock(node) => ("with", node.span()),
            Stmt::Set(node) => ("set", node.span()),
            Stmt::SetBlock(node) => ("set", node.span()),
            Stmt::AutoEscape(node) => ("autoescape", node.span()),
            Stmt::FilterBlock(node) => ("filter", node.span()),
            Stmt::Do(node) => ("do", node.span()),
            #[expect(unreachable_patterns, reason = "features of the parser that another crate may turn on")]
            _ => return Err(Refused::new("template_error", not_allowed("this"))),
        };
        refuse(span, "template_error", &not_allowed(name))
    }

    fn expression(&mut self, expression: &Expr) -> Result<(), Refused> {
        match expression {
            Expr::Const(_) => Ok(()),
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => self.tag(expression),
            Expr::UnaryOp(node) if matches!(node.op, UnaryOpKind::Not) => self.expression(&node.expr),
            Expr::BinOp(node) if is_allowed(node.op) => {
                no_empty_comparison(matches!(node.op, BinOpKind::Eq | BinOpKind::Ne), [&node.left, &node.right])?;
                self.expression(&node.left)?;
                self.expression(&node.right)
            }
            Expr::Compare(node) => {
                self.expression(&node.expr)?;
                for op in &node.ops {
                    let equality = matches!(op.op, CompareOpKind::Eq | CompareOpKind::Ne);
                    no_empty_comparison(equality, [&node.expr, &op.expr])?;
                    self.expression(&op.expr)?;
                }
                Ok(())
            }
            Expr::IfExpr(node) => {
                self.expression(&node.test_expr)?;
                self.expression(&node.true_expr)?;
                node.false_expr.as_ref().map_or(Ok(()), |other| self.expression(other))
            }
            Expr::Filter(node) => self.filter(node.name, node.expr.as_ref(), &node.args, node.span()),
            Expr::Test(node) => {
                let message = "tests with “is” cannot be used here. Write {% if person.title %} to ask for a value.";
                refuse(node.span(), "template_error", message)
            }
            other => refuse(other.span(), "template_error", "only merge tags, filters and {% if %} can be used here."),
        }
    }

    fn filter(&mut self, name: &str, expr: Option<&Expr>, args: &[CallArg], span: Span) -> Result<(), Refused> {
        let most = match name {
            "default" | "date" => 1,
            "title" | "upper" | "lower" | "first_word" => 0,
            _ => {
                let message = format!(
                    "there is no filter “{name}”. The filters are default, title, upper, lower, date and first_word."
                );
                return refuse(span, "unknown_filter", &message);
            }
        };
        if args.len() > most || (name == "default" && args.is_empty()) {
            let message = format!("the filter “{name}” is written like this: {}.", example(name));
            return refuse(span, "template_error", &message);
        }
        for arg in args {
            let CallArg::Pos(value) = arg else {
                return refuse(span, "template_error", &format!("write {} instead.", example(name)));
            };
            if name == "date" {
                let format = value.as_const();
                let format = format.as_ref().and_then(|format| format.as_str());
                if format.is_none_or(|format| format_date(jiff::civil::date(2026, 11, 24), Some(format)).is_none()) {
                    return refuse(span, "template_error", "this date format cannot be used. Try \"%d/%m/%Y\".");
                }
            }
            self.expression(value)?;
        }
        expr.map_or(Ok(()), |expr| self.expression(expr))
    }

    fn tag(&mut self, expression: &Expr) -> Result<(), Refused> {
        let Some(path) = path_of(expression) else {
            return refuse(expression.span(), "unknown_tag", "this is not a merge tag.");
        };
        if !is_known(&path) {
            let message = format!("{{{{ {path} }}}} is not a merge tag. Choose one from the list of tags.");
            return refuse(expression.span(), "unknown_tag", &message);
        }
        if !self.tags.contains(&path) {
            self.tags.push(path);
        }
        Ok(())
    }
}

fn is_allowed(op: BinOpKind) -> bool {
    use BinOpKind as B;
    match op {
        B::Eq | B::Ne | B::Lt | B::Lte | B::Gt | B::Gte | B::ScAnd | B::ScOr | B::Concat | B::In => true,
        B::Add | B::Sub | B::Mul | B::Div | B::FloorDiv | B::Rem | B::Pow => false,
    }
}

/// A value that is missing equals nothing, so a comparison with an empty text would never be true.
fn no_empty_comparison(equality: bool, sides: [&Expr; 2]) -> Result<(), Refused> {
    let empty = |side: &Expr| side.as_const().is_some_and(|value| value.as_str() == Some(""));
    match sides.into_iter().find(|side| equality && empty(side)) {
        Some(side) => {
            let message = "a value is never equal to an empty text. Write {% if not person.title %} instead.";
            refuse(side.span(), "template_error", message)
        }
        None => Ok(()),
    }
}

fn example(filter: &str) -> &'static str {
    match filter {
        "default" => "{{ person.first_name | default(\"there\") }}",
        "date" => "{{ person.custom.renewal | date(\"%d/%m/%Y\") }}",
        _ => "{{ person.first_name | title }}",
    }
}

/// `person.custom.key` of nested attribute lookups.
fn path_of(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Var(node) => Some(node.id.to_owned()),
        Expr::GetAttr(node) => Some(format!("{}.{}", path_of(&node.expr)?, node.name)),
        Expr::GetItem(node) => {
            let key = node.subscript_expr.as_const()?;
            Some(format!("{}.{}", path_of(&node.expr)?, key.as_str()?))
        }
        _ => None,
    }
}
