"""Speed and memory, measured on the whole product; results go into docs/performance.md."""
