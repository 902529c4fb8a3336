//! What the caller of a run is and has, and a command is not to.
//!
//! Inside bubblewrap there is little left of it. Where there is no bubblewrap a command of root's
//! would keep every capability, and with them other users' files and processes.

use rustix::{
    fs::Mode,
    io::{self, Errno},
    process::{getpriority_process, setpriority_process, umask},
    thread::{
        CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities,
        capability_is_in_bounding_set, clear_ambient_capability_set,
        remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits,
        set_no_new_privs,
    },
};

/// Permissions that no new file of a command has, whatever the caller lets its own files have.
const WRITABLE_BY_OTHERS: Mode = Mode::WGRP.union(Mode::WOTH);

/// Gives up every capability, for good, and what else the caller may have been given.
pub(super) fn give_up() -> io::Result<()> {
    // Where it is stricter, the caller's own mask stays.
    let inherited = umask(WRITABLE_BY_OTHERS);
    umask(inherited | WRITABLE_BY_OTHERS);
    if getpriority_process(None)? < 0 {
        setpriority_process(None, 0)?;
    }
    // With this a program gains nothing either, whatever its file says.
    set_no_new_privs(true)?;
    if capabilities(None)?
        .permitted
        .contains(CapabilitySet::SETPCAP)
    {
        bound()?;
    }
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )
}

/// Sees to it that not even a program that root starts is given a capability; whoever may not do
/// so has `no_new_privs` for it.
fn bound() -> io::Result<()> {
    for bit in 0..u64::BITS {
        // Not by name, since the kernel may know of more than any list.
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        match capability_is_in_bounding_set(capability) {
            Ok(true) => remove_capability_from_bounding_set(capability)?,
            Ok(false) => {}
            Err(Errno::INVAL) => break,
            Err(err) => return Err(err),
        }
    }
    set_capabilities_secure_bits(
        CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED,
    )
}
