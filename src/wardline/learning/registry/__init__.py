"""The registry: trained models as folders that never change, with a card that says what each is and how it was judged.

`card` is the manifest, `store` the folders, `served` answers with one; `learning.desk` trains, promotes and takes back.
"""
