# Written by protos/generate.py from users.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL

DESCRIPTOR = add_file(
    POOL,
    "users.proto",
    b'\n\x0busers.proto\x12\x18event_store.client.users"\xcd\x01\n\tCreateReq\x12E\n\x07options'
    b'\x18\x01 \x01(\x0b2+.event_store.client.users.CreateReq.OptionsR\x07options\x1ay\n\x07'
    b'Options\x12\x1d\n\nlogin_name\x18\x01 \x01(\tR\tloginName\x12\x1a\n\x08password\x18\x02 \x01(\tR\x08passwo'
    b'rd\x12\x1b\n\tfull_name\x18\x03 \x01(\tR\x08fullName\x12\x16\n\x06groups\x18\x04 \x03(\tR\x06groups"\x0c\n\nCreat'
    b'eResp"\xcd\x01\n\tUpdateReq\x12E\n\x07options\x18\x01 \x01(\x0b2+.event_store.client.users.'
    b'UpdateReq.OptionsR\x07options\x1ay\n\x07Options\x12\x1d\n\nlogin_name\x18\x01 \x01(\tR\tlogin'
    b'Name\x12\x1a\n\x08password\x18\x02 \x01(\tR\x08password\x12\x1b\n\tfull_name\x18\x03 \x01(\tR\x08fullName\x12\x16\n'
    b'\x06groups\x18\x04 \x03(\tR\x06groups"\x0c\n\nUpdateResp"|\n\tDeleteReq\x12E\n\x07options\x18\x01 \x01('
    b'\x0b2+.event_store.client.users.DeleteReq.OptionsR\x07options\x1a(\n\x07Optio'
    b'ns\x12\x1d\n\nlogin_name\x18\x01 \x01(\tR\tloginName"\x0c\n\nDeleteResp"|\n\tEnableReq\x12E\n\x07'
    b'options\x18\x01 \x01(\x0b2+.event_store.client.users.EnableReq.OptionsR\x07opti'
    b'ons\x1a(\n\x07Options\x12\x1d\n\nlogin_name\x18\x01 \x01(\tR\tloginName"\x0c\n\nEnableResp"~\n\nD'
    b'isableReq\x12F\n\x07options\x18\x01 \x01(\x0b2,.event_store.client.users.DisableReq'
    b'.OptionsR\x07options\x1a(\n\x07Options\x12\x1d\n\nlogin_name\x18\x01 \x01(\tR\tloginName"\r\n\x0bD'
    b'isableResp"~\n\nDetailsReq\x12F\n\x07options\x18\x01 \x01(\x0b2,.event_store.client.u'
    b'sers.DetailsReq.OptionsR\x07options\x1a(\n\x07Options\x12\x1d\n\nlogin_name\x18\x01 \x01(\tR'
    b'\tloginName"\xfa\x02\n\x0bDetailsResp\x12T\n\x0cuser_details\x18\x01 \x01(\x0b21.event_store.c'
    b'lient.users.DetailsResp.UserDetailsR\x0buserDetails\x1a\x94\x02\n\x0bUserDetails'
    b'\x12\x1d\n\nlogin_name\x18\x01 \x01(\tR\tloginName\x12\x1b\n\tfull_name\x18\x02 \x01(\tR\x08fullName\x12\x16\n\x06'
    b'groups\x18\x03 \x03(\tR\x06groups\x12]\n\x0clast_updated\x18\x04 \x01(\x0b2:.event_store.client.'
    b'users.DetailsResp.UserDetails.DateTimeR\x0blastUpdated\x12\x1a\n\x08disabled\x18'
    b'\x05 \x01(\x08R\x08disabled\x1a6\n\x08DateTime\x12*\n\x11ticks_since_epoch\x18\x01 \x01(\x03R\x0fticksSin'
    b'ceEpoch"\xda\x01\n\x11ChangePasswordReq\x12M\n\x07options\x18\x01 \x01(\x0b23.event_store.cli'
    b'ent.users.ChangePasswordReq.OptionsR\x07options\x1av\n\x07Options\x12\x1d\n\nlogin'
    b'_name\x18\x01 \x01(\tR\tloginName\x12)\n\x10current_password\x18\x02 \x01(\tR\x0fcurrentPasswor'
    b'd\x12!\n\x0cnew_password\x18\x03 \x01(\tR\x0bnewPassword"\x14\n\x12ChangePasswordResp"\xad\x01\n\x10R'
    b'esetPasswordReq\x12L\n\x07options\x18\x01 \x01(\x0b22.event_store.client.users.Rese'
    b'tPasswordReq.OptionsR\x07options\x1aK\n\x07Options\x12\x1d\n\nlogin_name\x18\x01 \x01(\tR\tlo'
    b'ginName\x12!\n\x0cnew_password\x18\x02 \x01(\tR\x0bnewPassword"\x13\n\x11ResetPasswordResp2'
    b'\xe4\x05\n\x05Users\x12S\n\x06Create\x12#.event_store.client.users.CreateReq\x1a$.event'
    b'_store.client.users.CreateResp\x12S\n\x06Update\x12#.event_store.client.us'
    b'ers.UpdateReq\x1a$.event_store.client.users.UpdateResp\x12S\n\x06Delete\x12#.'
    b'event_store.client.users.DeleteReq\x1a$.event_store.client.users.De'
    b'leteResp\x12V\n\x07Disable\x12$.event_store.client.users.DisableReq\x1a%.even'
    b't_store.client.users.DisableResp\x12S\n\x06Enable\x12#.event_store.client.'
    b'users.EnableReq\x1a$.event_store.client.users.EnableResp\x12X\n\x07Details'
    b'\x12$.event_store.client.users.DetailsReq\x1a%.event_store.client.user'
    b's.DetailsResp0\x01\x12k\n\x0eChangePassword\x12+.event_store.client.users.Cha'
    b'ngePasswordReq\x1a,.event_store.client.users.ChangePasswordResp\x12h\n\r'
    b'ResetPassword\x12*.event_store.client.users.ResetPasswordReq\x1a+.even'
    b't_store.client.users.ResetPasswordRespb\x06proto3'
)
CreateReq = message_class(DESCRIPTOR.message_types_by_name["CreateReq"])
CreateResp = message_class(DESCRIPTOR.message_types_by_name["CreateResp"])
UpdateReq = message_class(DESCRIPTOR.message_types_by_name["UpdateReq"])
UpdateResp = message_class(DESCRIPTOR.message_types_by_name["UpdateResp"])
DeleteReq = message_class(DESCRIPTOR.message_types_by_name["DeleteReq"])
DeleteResp = message_class(DESCRIPTOR.message_types_by_name["DeleteResp"])
EnableReq = message_class(DESCRIPTOR.message_types_by_name["EnableReq"])
EnableResp = message_class(DESCRIPTOR.message_types_by_name["EnableResp"])
DisableReq = message_class(DESCRIPTOR.message_types_by_name["DisableReq"])
DisableResp = message_class(DESCRIPTOR.message_types_by_name["DisableResp"])
DetailsReq = message_class(DESCRIPTOR.message_types_by_name["DetailsReq"])
DetailsResp = message_class(DESCRIPTOR.message_types_by_name["DetailsResp"])
ChangePasswordReq = message_class(DESCRIPTOR.message_types_by_name["ChangePasswordReq"])
ChangePasswordResp = message_class(DESCRIPTOR.message_types_by_name["ChangePasswordResp"])
ResetPasswordReq = message_class(DESCRIPTOR.message_types_by_name["ResetPasswordReq"])
ResetPasswordResp = message_class(DESCRIPTOR.message_types_by_name["ResetPasswordResp"])
