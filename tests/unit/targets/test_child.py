from farm.targets.child import environment


def test_the_child_gets_no_key_and_no_url_of_the_farm() -> None:
    kept = {"PATH": "/bin", "PGSSLROOTCERT": "c", "PYTHONPATH": "/x"}
    given = environment(kept | {"OPENAI_API_KEY": "k", "FARM_DATABASE_URL": "u"})
    assert given.keys() == kept.keys()
    assert given["PYTHONPATH"] != "/x", "our own import path, as the child has to import what we did"
