//! The attributes of Seaworthy.
