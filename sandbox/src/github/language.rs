//! The part of GraphQL's language that a client of GitHub needs: one operation with variables, fields with arguments and aliases, inline
//! fragments. Everything else is a syntax error.

use serde_json::{Map, Value};

/// A field, or an inline fragment (then `name` is empty and `on` its type).
#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    pub(crate) alias: String,
    pub(crate) name: String,
    pub(crate) on: Option<String>,
    pub(crate) args: Map<String, Value>,
    pub(crate) fields: Vec<Field>,
}

/// An operation with its variables filled in.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) mutates: bool,
    pub(crate) fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Sign(char),
    Spread,
    Text(String),
    Number(String),
}

/// Reads a document.
pub(crate) fn parse(text: &str, variables: &Value) -> Result<Operation, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        variables,
        declared: Vec::new(),
    };
    let mutates = match parser.peek() {
        Some(Token::Name(word)) if word == "mutation" || word == "query" => {
            let mutates = word == "mutation";
            parser.at += 1;
            mutates
        }
        Some(Token::Sign('{')) => false,
        other => return Err(format!("Expected an operation, got {other:?}")),
    };
    if let Some(Token::Name(_)) = parser.peek() {
        parser.at += 1;
    }
    if parser.skip('(') {
        parser.declarations()?;
    }
    let fields = parser.selection()?;
    if parser.at < parser.tokens.len() {
        return Err(format!("Unexpected {:?} after the operation", parser.peek()));
    }
    Ok(Operation { mutates, fields })
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut take = |first: char, fits: fn(char) -> bool| {
            let mut word = String::from(first);
            while let Some(c) = chars.next_if(|c| fits(*c)) {
                word.push(c);
            }
            word
        };
        match c {
            c if c.is_whitespace() || c == ',' => {}
            c if c.is_ascii_alphabetic() || c == '_' => {
                out.push(Token::Name(take(c, |c| c.is_ascii_alphanumeric() || c == '_')));
            }
            c if c.is_ascii_digit() || c == '-' => out.push(Token::Number(take(c, |c| c.is_ascii_digit()))),
            '.' => {
                if chars.next() != Some('.') || chars.next() != Some('.') {
                    return Err("Expected `...`".to_owned());
                }
                out.push(Token::Spread);
            }
            '"' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => text.extend(chars.next()),
                        Some(c) => text.push(c),
                        None => return Err("Unterminated string".to_owned()),
                    }
                }
                out.push(Token::Text(text));
            }
            '{' | '}' | '(' | ')' | ':' | '$' | '!' | '=' | '[' | ']' => out.push(Token::Sign(c)),
            other => return Err(format!("Unexpected character {other:?}")),
        }
    }
    Ok(out)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    variables: &'a Value,
    declared: Vec<String>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn skip(&mut self, sign: char) -> bool {
        let is = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        if self.skip(sign) {
            Ok(())
        } else {
            Err(format!("Expected {sign:?}, got {:?}", self.peek()))
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            other => Err(format!("Expected a name, got {other:?}")),
        }
    }

    /// `$name: Type!` …; each that must be there is.
    fn declarations(&mut self) -> Result<(), String> {
        while !self.skip(')') {
            self.expect('$')?;
            let name = self.name()?;
            self.expect(':')?;
            let mut depth = 0;
            while self.skip('[') {
                depth += 1;
            }
            self.name()?;
            for _ in 0..depth {
                self.skip('!');
                self.expect(']')?;
            }
            if self.skip('!') && self.variables.get(&name).is_none_or(Value::is_null) {
                return Err(format!("Variable ${name} was provided invalid value"));
            }
            self.declared.push(name);
        }
        let given = self.variables.as_object().into_iter().flatten();
        for (name, _) in given {
            if !self.declared.contains(name) {
                return Err(format!("Variable ${name} is not declared"));
            }
        }
        Ok(())
    }

    fn selection(&mut self) -> Result<Vec<Field>, String> {
        self.expect('{')?;
        let mut fields = Vec::new();
        while !self.skip('}') {
            if self.peek() == Some(&Token::Spread) {
                self.at += 1;
                if self.name()? != "on" {
                    return Err("only inline fragments are known here".to_owned());
                }
                fields.push(Field {
                    on: Some(self.name()?),
                    fields: self.selection()?,
                    ..Field::default()
                });
                continue;
            }
            let mut name = self.name()?;
            let mut alias = name.clone();
            if self.skip(':') {
                alias = name;
                name = self.name()?;
            }
            let mut args = Map::new();
            if self.skip('(') {
                while !self.skip(')') {
                    let key = self.name()?;
                    self.expect(':')?;
                    let value = self.value()?;
                    args.insert(key, value);
                }
            }
            let inner = if self.peek() == Some(&Token::Sign('{')) {
                self.selection()?
            } else {
                Vec::new()
            };
            fields.push(Field {
                alias,
                name,
                on: None,
                args,
                fields: inner,
            });
        }
        if fields.is_empty() {
            return Err("Expected a field".to_owned());
        }
        Ok(fields)
    }

    fn value(&mut self) -> Result<Value, String> {
        if self.skip('$') {
            let name = self.name()?;
            if !self.declared.contains(&name) {
                return Err(format!("Variable ${name} is used by this operation but not declared"));
            }
            return Ok(self.variables.get(&name).cloned().unwrap_or_default());
        }
        if self.skip('[') {
            let mut list = Vec::new();
            while !self.skip(']') {
                list.push(self.value()?);
            }
            return Ok(Value::Array(list));
        }
        if self.skip('{') {
            let mut map = Map::new();
            while !self.skip('}') {
                let key = self.name()?;
                self.expect(':')?;
                let value = self.value()?;
                map.insert(key, value);
            }
            return Ok(Value::Object(map));
        }
        let value = match self.peek() {
            Some(Token::Text(text)) => Value::String(text.clone()),
            Some(Token::Number(text)) => text
                .parse::<i64>()
                .map(Value::from)
                .map_err(|error| error.to_string())?,
            Some(Token::Name(word)) => match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                word => Value::String(word.to_owned()),
            },
            other => return Err(format!("Expected a value, got {other:?}")),
        };
        self.at += 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_arguments_aliases_and_fragments_are_read() {
        let text = "query($o: String!, $n: Int) { a: repository(owner: $o, name: \"r\") { ... on X { y(first: 3, list: [A, $n]) } } }";
        let operation = parse(text, &json!({"o": "me", "n": 7})).unwrap();
        let field = &operation.fields[0];
        assert_eq!((field.alias.as_str(), field.name.as_str()), ("a", "repository"));
        assert_eq!(field.args["owner"], "me");
        assert_eq!(field.fields[0].on.as_deref(), Some("X"));
        assert_eq!(field.fields[0].fields[0].args["list"], json!(["A", 7]));
        assert!(!operation.mutates);
    }

    #[test]
    fn what_github_would_refuse_is_refused() {
        for (text, variables) in [
            ("query($o: String!) { a(b: $o) }", json!({})),
            ("query { a(b: $o) }", json!({"o": 1})),
            ("query($o: String) { a }", json!({"x": 1})),
            ("{ a { } }", json!({})),
            ("{ a } }", json!({})),
            ("{ a(b: ) }", json!({})),
            ("fragment x on Y { z }", json!({})),
        ] {
            assert!(parse(text, &variables).is_err(), "{text}");
        }
    }
}
