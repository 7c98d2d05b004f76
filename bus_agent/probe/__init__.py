"""`bus-agent printer probe`: what a printer is and what it can prove, found out at acceptance and written as its profile."""
