"""Prints what of the blueprint is there at the stand-in for AWS, as JSON; run by the interpreter of moto."""

import json
import sys

import boto3

url, *ended = sys.argv[1:]
keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
ec2, s3, sqs = (boto3.client(name, endpoint_url=url, **keys) for name in ("ec2", "s3", "sqs"))
if ended:
    ec2.terminate_instances(InstanceIds=ended)
machines = {
    machine["InstanceId"]: machine["InstanceType"]
    for reservation in ec2.describe_instances()["Reservations"]
    for machine in reservation["Instances"]
    if machine["State"]["Name"] != "terminated"
}
found = {
    "vpc": [one for one in ec2.describe_vpcs()["Vpcs"] if one["CidrBlock"] == "10.10.0.0/16"],
    "subnet": [one for one in ec2.describe_subnets()["Subnets"] if one["CidrBlock"] == "10.10.4.0/24"],
    "group": [one for one in ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"] == "web"],
    "vm": machines,
    "bucket": s3.list_buckets()["Buckets"],
    "queue": sqs.list_queues().get("QueueUrls", []),
}
print(json.dumps({"there": {name: len(some) for name, some in found.items() if some}, "machines": machines}))
