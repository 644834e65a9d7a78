"""The two transports, v1 and v2, behind one interface (`transport.base`)."""
