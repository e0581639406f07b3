//! Fingerprints of the nodes of a text: small enough to keep for all of them, and the same whichever reader saw the node.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use foldhash::quality::FixedState;

use super::node::Node;

/// The fingerprints of a text's nodes, in order; numbers of anchors are kept apart, since they shift when one goes.
///
/// Two nodes have the same print by chance once in 2^64. A hash for speed is enough against intent, too: its key is new for every
/// text and never shown, so nobody can write a file whose nodes collide under it.
#[derive(Clone, Debug)]
pub(crate) struct Prints {
    state: FixedState,
    nodes: Vec<u64>,
    /// The indexes of nodes that define an anchor or refer to one, and its number.
    anchors: Vec<(usize, usize)>,
}

impl Default for Prints {
    fn default() -> Self {
        Self {
            state: FixedState::with_seed(RandomState::new().hash_one(())),
            nodes: Vec::new(),
            anchors: Vec::new(),
        }
    }
}

impl Prints {
    /// Returns prints that compare with these, of no text yet.
    pub(crate) fn another(&self) -> Self {
        Self {
            state: self.state.clone(),
            nodes: Vec::new(),
            anchors: Vec::new(),
        }
    }

    /// Takes the next node.
    pub(crate) fn push(&mut self, node: &Node<'_>) {
        if anchor(node) != 0 {
            self.anchors.push((self.nodes.len(), anchor(node)));
        }
        self.nodes.push(self.print(node));
    }

    /// Returns the print of node number `index`.
    pub(crate) fn get(&self, index: usize) -> Option<u64> {
        self.nodes.get(index).copied()
    }

    /// Returns how many nodes there are.
    pub(crate) const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the number of the anchor that a node defines or refers to; 0 for none.
    pub(crate) fn anchor(&self, index: usize) -> usize {
        let found = self.anchors.binary_search_by_key(&index, |(node, _)| *node);
        let found = found.ok().and_then(|place| self.anchors.get(place));
        found.map_or(0, |(_, id)| *id)
    }

    /// Returns the print of a node; it depends on everything but the number of an anchor.
    pub(crate) fn print(&self, node: &Node<'_>) -> u64 {
        let mut hasher = self.state.build_hasher();
        match node {
            Node::Document => 0_u8.hash(&mut hasher),
            Node::Scalar {
                text,
                style,
                anchor,
                tag,
            } => (1_u8, text.as_ref(), *style as u8, *anchor != 0, tag).hash(&mut hasher),
            Node::Sequence { anchor, tag } => (2_u8, *anchor != 0, tag).hash(&mut hasher),
            Node::Mapping { anchor, tag } => (3_u8, *anchor != 0, tag).hash(&mut hasher),
            Node::End => 4_u8.hash(&mut hasher),
            Node::Alias(_) => 5_u8.hash(&mut hasher),
        }
        hasher.finish()
    }
}

/// Returns the number of the anchor that a node defines or refers to; 0 for none.
pub(crate) const fn anchor(node: &Node<'_>) -> usize {
    match node {
        Node::Scalar { anchor, .. }
        | Node::Sequence { anchor, .. }
        | Node::Mapping { anchor, .. }
        | Node::Alias(anchor) => *anchor,
        Node::Document | Node::End => 0,
    }
}
