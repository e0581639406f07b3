//! What stands between operators: names, numbers, texts, lists, calls, and what follows them.

use std::sync::Arc;

use super::super::failure::{Class, Failure};
use super::super::functions;
use super::super::lexer::{Token, begins_name, in_name};
use super::super::tree::{Builtin, Member, Node, Part, Pointer, Slice, Unary};
use super::Parser;
use crate::assess::analysis::golang::parse_float;

impl Parser {
    pub(super) fn primary(&mut self) -> Result<Part, Failure> {
        let at = self.at();
        match self.token().clone() {
            Token::Operator(operator) if matches!(operator.as_str(), "not" | "!" | "-" | "+") => {
                let (unary, strength) = match operator.as_str() {
                    "-" => (Unary::Minus, 90),
                    "+" => (Unary::Plus, 90),
                    _ => (Unary::Not, 50),
                };
                self.advance()?;
                let operand = self.expression(strength)?;
                let part = self.part(Node::Unary(unary, Box::new(operand)), at)?;
                self.postfix(part)
            }
            Token::Bracket('(') => {
                self.advance()?;
                let part = self.sequence()?;
                self.expect_bracket(')')?;
                self.postfix(part)
            }
            Token::Operator(operator) if self.predicates > 0 && (operator == "#" || operator == ".") => {
                let mut pointer = Pointer::Element;
                if operator == "#" {
                    self.advance()?;
                    if let Token::Name(name) = self.token().clone() {
                        pointer = match name.as_str() {
                            "index" => Pointer::Index,
                            "acc" => Pointer::Accumulator,
                            _ => Pointer::Unknown(name),
                        };
                        self.advance()?;
                    }
                }
                let part = self.part(Node::Pointer(pointer), at)?;
                self.postfix(part)
            }
            Token::Operator(operator) if operator == "::" => {
                self.advance()?;
                let (at, name) = (self.at(), self.expect_name()?);
                let part = self.call(at, name, None)?;
                self.postfix(part)
            }
            _ => self.secondary(),
        }
    }

    pub(super) fn secondary(&mut self) -> Result<Part, Failure> {
        let at = self.at();
        let part = match self.token().clone() {
            Token::Name(name) => {
                self.advance()?;
                let node = match name.as_str() {
                    "true" => Node::Bool(true),
                    "false" => Node::Bool(false),
                    "nil" => Node::Nil,
                    _ if self.is_bracket('(') => {
                        let part = self.call(at, name, None)?;
                        return self.postfix(part);
                    }
                    _ => {
                        let part = self.part(Node::Name(name), at)?;
                        return self.postfix(part);
                    }
                };
                return self.part(node, at);
            }
            Token::Number(text) => {
                self.advance()?;
                let node = number(&text, at)?;
                return self.part(node, at);
            }
            Token::Text(text) => {
                self.advance()?;
                self.part(Node::Text(Arc::from(text)), at)?
            }
            Token::Bracket('[') => {
                self.advance()?;
                let items = self.list(']')?;
                self.part(Node::List(items), at)?
            }
            Token::Bracket('{') => self.map(at)?,
            _ => return Err(self.unexpected()),
        };
        self.postfix(part)
    }

    /// Reads parts between commas up to a bracket; a last comma is allowed.
    pub(super) fn list(&mut self, end: char) -> Result<Vec<Part>, Failure> {
        let mut items = Vec::new();
        while !self.is_bracket(end) {
            if !items.is_empty() {
                self.expect_operator(",")?;
                if self.is_bracket(end) {
                    break;
                }
            }
            items.push(self.expression(0)?);
        }
        self.expect_bracket(end)?;
        Ok(items)
    }

    pub(super) fn map(&mut self, at: usize) -> Result<Part, Failure> {
        self.advance()?;
        let mut pairs = Vec::new();
        while !self.is_bracket('}') {
            if !pairs.is_empty() {
                self.expect_operator(",")?;
                if self.is_bracket('}') {
                    break;
                }
            }
            let place = self.at();
            let key = match self.token().clone() {
                Token::Number(text) | Token::Text(text) | Token::Name(text) => {
                    self.advance()?;
                    self.part(Node::Text(Arc::from(text)), place)?
                }
                Token::Bracket('(') => self.expression(0)?,
                _ => {
                    return Err(Failure::new(
                        Class::Syntax,
                        place,
                        "a field needs a name, a text or a number",
                    ));
                }
            };
            self.expect_operator(":")?;
            pairs.push((key, self.expression(0)?));
        }
        self.expect_bracket('}')?;
        self.part(Node::Map(pairs), at)
    }

    /// Reads the arguments of a call; `first` is what stands before a pipe.
    pub(super) fn call(&mut self, at: usize, name: String, first: Option<Part>) -> Result<Part, Failure> {
        let overridden = functions::OF_THE_CONTROLLER.contains(&name.as_str());
        let builtin = functions::builtin(&name).filter(|_| !overridden);
        let mut arguments: Vec<Part> = first.into_iter().collect();
        if let Some(builtin) = builtin
            && let Some(least) = functions::predicate(builtin)
        {
            self.predicate_arguments(builtin, least, &mut arguments)?;
            return self.builtin(at, builtin, arguments);
        }
        self.expect_bracket('(')?;
        let mut own = self.list(')')?;
        arguments.append(&mut own);
        if let Some(builtin) = builtin {
            return self.builtin(at, builtin, arguments);
        }
        let callee = self.part(Node::Name(name), at)?;
        self.part(Node::Call(Box::new(callee), arguments), at)
    }

    pub(super) fn builtin(&mut self, at: usize, name: &'static str, arguments: Vec<Part>) -> Result<Part, Failure> {
        let builtin = Builtin {
            name,
            arguments,
            throws: false,
        };
        self.part(Node::Builtin(Box::new(builtin)), at)
    }

    /// Reads a list, a predicate, and what may follow. `least` is how many of them there must be.
    pub(super) fn predicate_arguments(
        &mut self,
        name: &'static str,
        least: usize,
        arguments: &mut Vec<Part>,
    ) -> Result<(), Failure> {
        self.expect_bracket('(')?;
        let given = arguments.len();
        for index in given..functions::most_arguments(name) {
            if self.is_bracket(')') {
                if index < least {
                    return Err(Failure::new(
                        Class::ArgumentCount,
                        self.at(),
                        format!("`{name}` needs {least} arguments"),
                    ));
                }
                break;
            }
            if index > given {
                self.expect_operator(",")?;
            }
            let part = if index == 1 {
                self.predicate()?
            } else {
                self.expression(0)?
            };
            arguments.push(part);
        }
        if self.is_operator(",") {
            self.advance()?;
        }
        self.expect_bracket(')')
    }

    pub(super) fn predicate(&mut self) -> Result<Part, Failure> {
        let braces = self.is_bracket('{');
        if braces {
            self.advance()?;
        }
        self.predicates += 1;
        let part = if braces {
            self.sequence()?
        } else {
            let part = self.expression(0)?;
            if self.is_operator(";") {
                return Err(Failure::new(
                    Class::Other,
                    self.at(),
                    "a predicate with `;` needs braces around it",
                ));
            }
            part
        };
        self.predicates -= 1;
        if braces {
            self.expect_bracket('}')?;
        }
        Ok(part)
    }

    pub(super) fn postfix(&mut self, part: Part) -> Result<Part, Failure> {
        let mut part = part;
        loop {
            part = match self.token().clone() {
                Token::Operator(operator) if operator == "." || operator == "?." => {
                    let optional = operator == "?.";
                    self.advance()?;
                    if optional && self.is_bracket('[') {
                        self.index(part, true)?
                    } else {
                        self.member(part, optional)?
                    }
                }
                Token::Bracket('[') => self.index(part, false)?,
                _ => return Ok(part),
            };
        }
    }

    pub(super) fn member(&mut self, base: Part, optional: bool) -> Result<Part, Failure> {
        let at = self.at();
        let name = match self.token().clone() {
            Token::Name(name) => name,
            Token::Operator(word) if word.chars().next().is_some_and(begins_name) && word.chars().all(in_name) => word,
            _ => {
                self.advance()?;
                return Err(Failure::new(Class::Other, at, "a name must follow the point"));
            }
        };
        self.advance()?;
        let property = self.part(Node::Text(Arc::from(name)), at)?;
        let (base, chained) = match base.node {
            Node::Chain(inner) => (*inner, true),
            _ => (base, false),
        };
        let method = self.is_bracket('(');
        let member = Member {
            base,
            property,
            optional,
            method,
        };
        let mut part = self.part(Node::Member(Box::new(member)), at)?;
        if method {
            self.advance()?;
            let arguments = self.list(')')?;
            part = self.part(Node::Call(Box::new(part), arguments), at)?;
        }
        if chained || optional {
            part = self.part(Node::Chain(Box::new(part)), at)?;
        }
        Ok(part)
    }

    pub(super) fn index(&mut self, base: Part, optional: bool) -> Result<Part, Failure> {
        let at = self.at();
        self.advance()?;
        let from = if self.is_operator(":") {
            None
        } else {
            Some(self.expression(0)?)
        };
        if !self.is_operator(":") {
            let Some(property) = from else {
                return Err(self.unexpected());
            };
            let member = Member {
                base,
                property,
                optional,
                method: false,
            };
            let mut part = self.part(Node::Member(Box::new(member)), at)?;
            if optional {
                part = self.part(Node::Chain(Box::new(part)), at)?;
            }
            self.expect_bracket(']')?;
            return Ok(part);
        }
        self.advance()?;
        let to = if self.is_bracket(']') {
            None
        } else {
            Some(self.expression(0)?)
        };
        let part = self.part(Node::Slice(Box::new(Slice { base, from, to })), at)?;
        self.expect_bracket(']')?;
        Ok(part)
    }
}

/// Reads a number: whole ones are 64 bits wide, with a point or exponent it is a floating-point one.
fn number(text: &str, at: usize) -> Result<Node, Failure> {
    let plain = text.replace('_', "");
    let lower = plain.to_lowercase();
    let with_base = |digits: &str, base: u32, class: Class| {
        // An empty number and one out of range are one mistake here.
        i64::from_str_radix(digits, base)
            .map(Node::Int)
            .map_err(|_| Failure::new(class, at, format!("`{text}` is no whole number of 64 bits")))
    };
    if let Some(digits) = lower.strip_prefix("0x") {
        return with_base(digits, 16, Class::Conversion);
    }
    if lower.contains(['.', 'e']) {
        return parse_float(&plain)
            .map(Node::Float)
            .ok_or_else(|| Failure::new(Class::Syntax, at, format!("`{text}` is no number")));
    }
    if let Some(digits) = lower.strip_prefix("0b") {
        return with_base(digits, 2, Class::Conversion);
    }
    if let Some(digits) = lower.strip_prefix("0o") {
        return with_base(digits, 8, Class::Conversion);
    }
    with_base(&plain, 10, Class::Syntax)
}
