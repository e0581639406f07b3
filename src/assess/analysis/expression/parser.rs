//! Tokens into a tree, by precedence.

mod operands;

use super::failure::{Class, Failure};
use super::fold::each;
use super::lexer::{Placed, Token, tokens};
use super::tree::{Binary, Let, Node, Part, Unary};

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
        copied: 0,
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
    /// Parts that stand in two places.
    copied: usize,
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

    /// Copies a part that stands in two places. Copies of copies double with each level, so they are counted.
    fn again(&mut self, part: &Part) -> Result<Part, Failure> {
        let mut copy = part.clone();
        each(&mut copy, &mut |_| {
            self.copied += 1;
            Ok(())
        })?;
        if self.copied > MOST_PARTS {
            let what = "an expression that says so many parts twice";
            return Err(Failure::not_evaluated(part.at, what));
        }
        Ok(copy)
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
            let next = match self.token() {
                Token::Operator(operator) => Binary::of(operator).filter(|(binary, _)| binary.compares()),
                _ => None,
            };
            let again = next.map(|_| self.again(&right)).transpose()?;
            let compared = self.part(Node::Binary(binary, Box::new(left), Box::new(right)), at)?;
            whole = Some(match whole {
                None => compared,
                Some(before) => self.part(Node::Binary(Binary::And, Box::new(before), Box::new(compared)), at)?,
            });
            let (Some((next, _)), Some(again)) = (next, again) else {
                break;
            };
            (left, binary, at) = (again, next, self.at());
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
                self.again(&part)?
            } else {
                self.expression(0)?
            };
            self.expect_operator(":")?;
            let no = self.expression(0)?;
            part = self.part(Node::Conditional(Box::new([part, yes, no])), at)?;
        }
        Ok(part)
    }
}
