//! Any bytes as git's pkt-lines, and as a side-band of them: no panic, no end without an end, and nothing comes out that did not go in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::infrarepo::git::packet::{Packet, Packets, side_band};

fuzz_target!(|bytes: &[u8]| {
    let mut packets = Packets::new(bytes);
    let mut seen = 0;
    while let Ok(Some(packet)) = packets.packet() {
        seen += 4 + if let Packet::Line(line) = packet { line.len() } else { 0 };
        assert!(seen <= bytes.len(), "each packet takes its bytes once");
    }
    if let Ok(band) = side_band(&mut Packets::new(bytes)) {
        assert!(band.data.len() < bytes.len(), "the pack is a part of what came");
    }
});
