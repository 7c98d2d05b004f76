"""The counterpart at city hall: it seals what clerks send, releases it to one opener, and sees it through to handed over."""
