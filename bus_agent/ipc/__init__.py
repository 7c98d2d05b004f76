"""How agent, spooler and opener talk on this box: Unix SEQPACKET sockets, typed messages, the ciphertext by descriptor."""
