//! Tokens into a tree, by precedence.

use std::sync::Arc;

use super::failure::{Class, Failure};
use super::functions;
use super::lexer::{Placed, Token, begins_name, in_name, tokens};
use super::tree::{Binary, Builtin, Let, Member, Node, Part, Pointer, Slice, Unary};
use crate::assess::analysis::golang::parse_float;

/// More parts than this are refused by the controller.
const MOST_PARTS: usize = 10_000;
/// Nesting deeper than this is refused here, so that no expression exhausts the stack.
const DEEPEST: usize = 200;

/// Parses an expression.
pub(super) fn parse(text: &str) -> Result<Part, Failure> {
    let mut parser = Parser {
        tokens: tokens(text),
        next: 0,
        predicates: 0,
        depth: 0,
        parts: 0,
    };
    parser.check()?;
    let part = parser.sequence()?;
    match parser.token() {
        Token::End => Ok(part),
        _ => Err(parser.unexpected()),
    }
}

pub(super) struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    /// How many predicates the place is inside of.
    predicates: usize,
    depth: usize,
    parts: usize,
}

impl Parser {
    fn token(&self) -> &Token {
        match self.tokens.get(self.next) {
            Some((_, Ok(token))) => token,
            _ => &Token::End,
        }
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(0, |(at, _)| *at)
    }

    /// Stops at a token that could not be read.
    fn check(&self) -> Result<(), Failure> {
        match self.tokens.get(self.next) {
            Some((_, Err(failure))) => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    fn advance(&mut self) -> Result<(), Failure> {
        self.next += 1;
        self.check()
    }

    fn unexpected(&self) -> Failure {
        let message = match self.token() {
            Token::End => "the expression ends too early".to_owned(),
            Token::Name(text) | Token::Number(text) | Token::Operator(text) => format!("unexpected `{text}`"),
            Token::Text(text) => format!("unexpected text \"{text}\""),
            Token::Bracket(bracket) => format!("unexpected `{bracket}`"),
        };
        Failure::new(Class::Syntax, self.at(), message)
    }

    fn is_operator(&self, text: &str) -> bool {
        matches!(self.token(), Token::Operator(operator) if operator == text)
    }

    fn is_bracket(&self, bracket: char) -> bool {
        *self.token() == Token::Bracket(bracket)
    }

    fn expect_operator(&mut self, text: &str) -> Result<(), Failure> {
        if self.is_operator(text) {
            self.advance()
        } else {
            Err(self.unexpected())
        }
    }

    fn expect_bracket(&mut self, bracket: char) -> Result<(), Failure> {
        if self.is_bracket(bracket) {
            self.advance()
        } else {
            Err(self.unexpected())
        }
    }

    fn expect_name(&mut self) -> Result<String, Failure> {
        let Token::Name(name) = self.token() else {
            return Err(self.unexpected());
        };
        let name = name.clone();
        self.advance()?;
        Ok(name)
    }

    fn part(&mut self, node: Node, at: usize) -> Result<Part, Failure> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(Failure::new(Class::Other, at, "the expression has too many parts"));
        }
        Ok(Part::new(node, at))
    }

    fn sequence(&mut self) -> Result<Part, Failure> {
        let at = self.at();
        let mut parts = vec![self.expression(0)?];
        while self.is_operator(";") {
            self.advance()?;
            if *self.token() == Token::End {
                break;
            }
            parts.push(self.expression(0)?);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => {
                parts.extend(last);
                self.part(Node::Sequence(parts), at)
            }
        }
    }

    fn expression(&mut self, precedence: u16) -> Result<Part, Failure> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Failure::not_evaluated(
                self.at(),
                "expressions nested as deep as this one",
            ));
        }
        let part = self.expression_at(precedence);
        self.depth -= 1;
        part
    }

    #[expect(clippy::too_many_lines, reason = "the loop over operators is one thing")]
    fn expression_at(&mut self, precedence: u16) -> Result<Part, Failure> {
        if precedence == 0 && self.is_operator("let") {
            return self.variable();
        }
        if precedence == 0 && self.is_operator("if") {
            return self.branches();
        }
        let mut left = self.primary()?;
        let mut coalesced = false;
        while let Token::Operator(operator) = self.token().clone() {
            let begun = self.next;
            let (mut operator, mut at) = (operator, self.at());
            let negated = operator == "not";
            if negated {
                self.advance()?;
                match self.token().clone() {
                    Token::Operator(next)
                        if matches!(next.as_str(), "in" | "matches" | "contains" | "startsWith" | "endsWith") =>
                    {
                        (operator, at) = (next, self.at());
                    }
                    _ => return Err(self.unexpected()),
                }
            }
            if operator == "|" {
                if precedence > 0 {
                    break;
                }
                self.advance()?;
                let (at, name) = (self.at(), self.expect_name()?);
                left = self.call(at, name, Some(left))?;
                coalesced = false;
                continue;
            }
            let Some((binary, strength)) = Binary::of(&operator).filter(|(_, strength)| *strength >= precedence) else {
                self.next = begun;
                break;
            };
            self.advance()?;
            if coalesced && binary != Binary::Coalesce {
                return Err(Failure::new(
                    Class::Syntax,
                    at,
                    format!("`??` and `{operator}` need parentheses around one of them"),
                ));
            }
            coalesced = binary == Binary::Coalesce;
            if binary.compares() {
                left = self.comparison(left, binary, at, strength)?;
                continue;
            }
            let right = self.expression(if binary == Binary::Power {
                strength
            } else {
                strength + 1
            })?;
            left = self.part(Node::Binary(binary, Box::new(left), Box::new(right)), at)?;
            if negated {
                left = self.part(Node::Unary(Unary::Not, Box::new(left)), at)?;
            }
        }
        if precedence == 0 {
            self.conditional(left)
        } else {
            Ok(left)
        }
    }

    /// Reads `a < b < c`, which means `a < b && b < c`.
    fn comparison(&mut self, first: Part, binary: Binary, at: usize, strength: u16) -> Result<Part, Failure> {
        let (mut left, mut binary, mut at) = (first, binary, at);
        let mut whole: Option<Part> = None;
        loop {
            let right = self.expression(strength + 1)?;
            let compared = self.part(Node::Binary(binary, Box::new(left), Box::new(right.clone())), at)?;
            whole = Some(match whole {
                None => compared,
                Some(before) => self.part(Node::Binary(Binary::And, Box::new(before), Box::new(compared)), at)?,
            });
            left = right;
            let next = match self.token() {
                Token::Operator(operator) => Binary::of(operator).filter(|(binary, _)| binary.compares()),
                _ => None,
            };
            let Some((next, _)) = next else { break };
            (binary, at) = (next, self.at());
            self.advance()?;
        }
        whole.ok_or_else(|| self.unexpected())
    }

    fn variable(&mut self) -> Result<Part, Failure> {
        self.expect_operator("let")?;
        let at = self.at();
        let name = self.expect_name()?;
        self.expect_operator("=")?;
        let value = self.expression(0)?;
        self.expect_operator(";")?;
        let body = self.sequence()?;
        self.part(Node::Let(Box::new(Let { name, value, body })), at)
    }

    fn branches(&mut self) -> Result<Part, Failure> {
        let at = self.at();
        self.advance()?;
        let condition = self.expression(0)?;
        let block = |parser: &mut Self| {
            parser.expect_bracket('{')?;
            let part = parser.sequence()?;
            parser.expect_bracket('}')?;
            Ok::<_, Failure>(part)
        };
        let yes = block(self)?;
        self.expect_operator("else")?;
        let no = if self.is_operator("if") {
            self.branches()?
        } else {
            block(self)?
        };
        self.part(Node::Conditional(Box::new([condition, yes, no])), at)
    }

    fn conditional(&mut self, condition: Part) -> Result<Part, Failure> {
        let mut part = condition;
        while self.is_operator("?") {
            let at = self.at();
            self.advance()?;
            let yes = if self.is_operator(":") {
                part.clone()
            } else {
                self.expression(0)?
            };
            self.expect_operator(":")?;
            let no = self.expression(0)?;
            part = self.part(Node::Conditional(Box::new([part, yes, no])), at)?;
        }
        Ok(part)
    }

    fn primary(&mut self) -> Result<Part, Failure> {
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

    fn secondary(&mut self) -> Result<Part, Failure> {
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
    fn list(&mut self, end: char) -> Result<Vec<Part>, Failure> {
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

    fn map(&mut self, at: usize) -> Result<Part, Failure> {
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
    fn call(&mut self, at: usize, name: String, first: Option<Part>) -> Result<Part, Failure> {
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

    fn builtin(&mut self, at: usize, name: &'static str, arguments: Vec<Part>) -> Result<Part, Failure> {
        let builtin = Builtin {
            name,
            arguments,
            throws: false,
        };
        self.part(Node::Builtin(Box::new(builtin)), at)
    }

    /// Reads a list, a predicate, and what may follow. `least` is how many of them there must be.
    fn predicate_arguments(
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

    fn predicate(&mut self) -> Result<Part, Failure> {
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

    fn postfix(&mut self, part: Part) -> Result<Part, Failure> {
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

    fn member(&mut self, base: Part, optional: bool) -> Result<Part, Failure> {
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

    fn index(&mut self, base: Part, optional: bool) -> Result<Part, Failure> {
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
