"""An API server to practise on: in this process, real HTTP on loopback, with drills, small controllers and a clock."""
