"""The words of the project as frozen values: no behaviour beyond invariants, no clock, no file, no socket."""
