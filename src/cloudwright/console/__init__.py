"""The web console: pages, drawn by the manager, that show what is stored and what still runs.

What must always hold: a page says nothing but what the REST API says, and does nothing but what it does, with
the rights of the user who signed in, because every page reads and acts through the API's own routes
(``console.rest``). No text of a user, a blueprint or a script becomes markup. No page needs JavaScript, and
none asks another host for anything.
"""
