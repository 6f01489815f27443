"""``cloudify_rest_client.community_contacts``."""

from __future__ import annotations

from cloudwright.compat.cloudify_rest_client._resource import Resource


class CommunityContactsClient(Resource):
    def create(self, firstname, lastname, email, phone, is_eula):
        data = {
            "first_name": firstname,
            "last_name": lastname,
            "email": email,
            "phone": phone,
            "is_eula": is_eula,
        }
        answer = self.api.post("/contacts", data=data)
        self.api.post("/license", data={"customer_id": answer.get("customer_id")})
