"""Where bytes meet sockets: thousands of connections, their deadlines and their limits."""
