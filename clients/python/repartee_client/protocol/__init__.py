"""The protocol without sockets, clock or tasks: frames in, frames out."""
