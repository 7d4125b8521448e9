# Written by protos/generate.py from projections.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL
from . import struct_pb2
from . import shared_pb2

DESCRIPTOR = add_file(
    POOL,
    "projections.proto",
    b'\n\x11projections.proto\x12\x1eevent_store.client.projections\x1a\x1cgoogle/prot'
    b'obuf/struct.proto\x1a\x0cshared.proto"\xb8\x04\n\tCreateReq\x12K\n\x07options\x18\x01 \x01(\x0b21'
    b'.event_store.client.projections.CreateReq.OptionsR\x07options\x1a\xdd\x03\n\x07O'
    b'ptions\x126\n\x08one_time\x18\x01 \x01(\x0b2\x19.event_store.client.EmptyH\x00R\x07oneTime\x12['
    b'\n\ttransient\x18\x02 \x01(\x0b2;.event_store.client.projections.CreateReq.Opt'
    b'ions.TransientH\x00R\ttransient\x12^\n\ncontinuous\x18\x03 \x01(\x0b2<.event_store.cl'
    b'ient.projections.CreateReq.Options.ContinuousH\x00R\ncontinuous\x12\x14\n\x05q'
    b'uery\x18\x04 \x01(\tR\x05query\x12%\n\x0eengine_version\x18\x05 \x01(\x05R\rengineVersion\x1a\x1f\n\tTran'
    b'sient\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x1aw\n\nContinuous\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12!\n\x0ce'
    b'mit_enabled\x18\x02 \x01(\x08R\x0bemitEnabled\x122\n\x15track_emitted_streams\x18\x03 \x01(\x08R\x13t'
    b'rackEmittedStreamsB\x06\n\x04mode"\x0c\n\nCreateResp"\x87\x02\n\tUpdateReq\x12K\n\x07option'
    b's\x18\x01 \x01(\x0b21.event_store.client.projections.UpdateReq.OptionsR\x07opti'
    b'ons\x1a\xac\x01\n\x07Options\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12\x14\n\x05query\x18\x02 \x01(\tR\x05query\x12#\n\x0cemi'
    b't_enabled\x18\x03 \x01(\x08H\x00R\x0bemitEnabled\x12C\n\x0fno_emit_options\x18\x04 \x01(\x0b2\x19.event_'
    b'store.client.EmptyH\x00R\rnoEmitOptionsB\r\n\x0bemit_option"\x0c\n\nUpdateResp'
    b'"\x98\x02\n\tDeleteReq\x12K\n\x07options\x18\x01 \x01(\x0b21.event_store.client.projections'
    b'.DeleteReq.OptionsR\x07options\x1a\xbd\x01\n\x07Options\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x124\n\x16d'
    b'elete_emitted_streams\x18\x02 \x01(\x08R\x14deleteEmittedStreams\x12.\n\x13delete_stat'
    b'e_stream\x18\x03 \x01(\x08R\x11deleteStateStream\x128\n\x18delete_checkpoint_stream\x18\x04 '
    b'\x01(\x08R\x16deleteCheckpointStream"\x0c\n\nDeleteResp"\xe9\x02\n\rStatisticsReq\x12O\n\x07o'
    b'ptions\x18\x01 \x01(\x0b25.event_store.client.projections.StatisticsReq.Opti'
    b'onsR\x07options\x1a\x86\x02\n\x07Options\x12\x14\n\x04name\x18\x01 \x01(\tH\x00R\x04name\x12-\n\x03all\x18\x02 \x01(\x0b2\x19.ev'
    b'ent_store.client.EmptyH\x00R\x03all\x129\n\ttransient\x18\x03 \x01(\x0b2\x19.event_store.c'
    b'lient.EmptyH\x00R\ttransient\x12;\n\ncontinuous\x18\x04 \x01(\x0b2\x19.event_store.clien'
    b't.EmptyH\x00R\ncontinuous\x126\n\x08one_time\x18\x05 \x01(\x0b2\x19.event_store.client.Emp'
    b'tyH\x00R\x07oneTimeB\x06\n\x04mode"\xec\x06\n\x0eStatisticsResp\x12P\n\x07details\x18\x01 \x01(\x0b26.even'
    b't_store.client.projections.StatisticsResp.DetailsR\x07details\x1a\x87\x06\n\x07D'
    b'etails\x12.\n\x12coreProcessingTime\x18\x01 \x01(\x03R\x12coreProcessingTime\x12\x18\n\x07versio'
    b'n\x18\x02 \x01(\x03R\x07version\x12\x14\n\x05epoch\x18\x03 \x01(\x03R\x05epoch\x12$\n\reffectiveName\x18\x04 \x01(\tR\re'
    b'ffectiveName\x12*\n\x10writesInProgress\x18\x05 \x01(\x05R\x10writesInProgress\x12(\n\x0fread'
    b'sInProgress\x18\x06 \x01(\x05R\x0freadsInProgress\x12*\n\x10partitionsCached\x18\x07 \x01(\x05R\x10pa'
    b'rtitionsCached\x12\x16\n\x06status\x18\x08 \x01(\tR\x06status\x12 \n\x0bstateReason\x18\t \x01(\tR\x0bsta'
    b'teReason\x12\x12\n\x04name\x18\n \x01(\tR\x04name\x12\x12\n\x04mode\x18\x0b \x01(\tR\x04mode\x12\x1a\n\x08position\x18\x0c \x01'
    b'(\tR\x08position\x12\x1a\n\x08progress\x18\r \x01(\x02R\x08progress\x12&\n\x0elastCheckpoint\x18\x0e \x01(\t'
    b'R\x0elastCheckpoint\x12@\n\x1beventsProcessedAfterRestart\x18\x0f \x01(\x03R\x1beventsPro'
    b'cessedAfterRestart\x12*\n\x10checkpointStatus\x18\x10 \x01(\tR\x10checkpointStatus\x12&'
    b'\n\x0ebufferedEvents\x18\x11 \x01(\x03R\x0ebufferedEvents\x12N\n"writePendingEventsBefo'
    b'reCheckpoint\x18\x12 \x01(\x05R"writePendingEventsBeforeCheckpoint\x12L\n!writeP'
    b'endingEventsAfterCheckpoint\x18\x13 \x01(\x05R!writePendingEventsAfterCheckp'
    b'oint"\x93\x01\n\x08StateReq\x12J\n\x07options\x18\x01 \x01(\x0b20.event_store.client.projecti'
    b'ons.StateReq.OptionsR\x07options\x1a;\n\x07Options\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12\x1c\n\t'
    b'partition\x18\x02 \x01(\tR\tpartition"9\n\tStateResp\x12,\n\x05state\x18\x01 \x01(\x0b2\x16.google.'
    b'protobuf.ValueR\x05state"\x95\x01\n\tResultReq\x12K\n\x07options\x18\x01 \x01(\x0b21.event_sto'
    b're.client.projections.ResultReq.OptionsR\x07options\x1a;\n\x07Options\x12\x12\n\x04n'
    b'ame\x18\x01 \x01(\tR\x04name\x12\x1c\n\tpartition\x18\x02 \x01(\tR\tpartition"<\n\nResultResp\x12.\n\x06r'
    b'esult\x18\x01 \x01(\x0b2\x16.google.protobuf.ValueR\x06result"\xa0\x01\n\x08ResetReq\x12J\n\x07opti'
    b'ons\x18\x01 \x01(\x0b20.event_store.client.projections.ResetReq.OptionsR\x07opt'
    b'ions\x1aH\n\x07Options\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12)\n\x10write_checkpoint\x18\x02 \x01(\x08R\x0fw'
    b'riteCheckpoint"\x0b\n\tResetResp"w\n\tEnableReq\x12K\n\x07options\x18\x01 \x01(\x0b21.even'
    b't_store.client.projections.EnableReq.OptionsR\x07options\x1a\x1d\n\x07Options'
    b'\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name"\x0c\n\nEnableResp"\xa4\x01\n\nDisableReq\x12L\n\x07options\x18\x01 \x01'
    b'(\x0b22.event_store.client.projections.DisableReq.OptionsR\x07options\x1a'
    b'H\n\x07Options\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12)\n\x10write_checkpoint\x18\x02 \x01(\x08R\x0fwriteC'
    b'heckpoint"\r\n\x0bDisableResp2\xcb\x07\n\x0bProjections\x12_\n\x06Create\x12).event_store'
    b'.client.projections.CreateReq\x1a*.event_store.client.projections.C'
    b'reateResp\x12_\n\x06Update\x12).event_store.client.projections.UpdateReq\x1a*'
    b'.event_store.client.projections.UpdateResp\x12_\n\x06Delete\x12).event_sto'
    b're.client.projections.DeleteReq\x1a*.event_store.client.projections'
    b'.DeleteResp\x12m\n\nStatistics\x12-.event_store.client.projections.Stati'
    b'sticsReq\x1a..event_store.client.projections.StatisticsResp0\x01\x12b\n\x07Di'
    b'sable\x12*.event_store.client.projections.DisableReq\x1a+.event_store.'
    b'client.projections.DisableResp\x12_\n\x06Enable\x12).event_store.client.pr'
    b'ojections.EnableReq\x1a*.event_store.client.projections.EnableResp\x12'
    b'\\\n\x05Reset\x12(.event_store.client.projections.ResetReq\x1a).event_store'
    b'.client.projections.ResetResp\x12\\\n\x05State\x12(.event_store.client.proj'
    b'ections.StateReq\x1a).event_store.client.projections.StateResp\x12_\n\x06R'
    b'esult\x12).event_store.client.projections.ResultReq\x1a*.event_store.c'
    b'lient.projections.ResultResp\x12H\n\x10RestartSubsystem\x12\x19.event_store.c'
    b'lient.Empty\x1a\x19.event_store.client.Emptyb\x06proto3'
)
CreateReq = message_class(DESCRIPTOR.message_types_by_name["CreateReq"])
CreateResp = message_class(DESCRIPTOR.message_types_by_name["CreateResp"])
UpdateReq = message_class(DESCRIPTOR.message_types_by_name["UpdateReq"])
UpdateResp = message_class(DESCRIPTOR.message_types_by_name["UpdateResp"])
DeleteReq = message_class(DESCRIPTOR.message_types_by_name["DeleteReq"])
DeleteResp = message_class(DESCRIPTOR.message_types_by_name["DeleteResp"])
StatisticsReq = message_class(DESCRIPTOR.message_types_by_name["StatisticsReq"])
StatisticsResp = message_class(DESCRIPTOR.message_types_by_name["StatisticsResp"])
StateReq = message_class(DESCRIPTOR.message_types_by_name["StateReq"])
StateResp = message_class(DESCRIPTOR.message_types_by_name["StateResp"])
ResultReq = message_class(DESCRIPTOR.message_types_by_name["ResultReq"])
ResultResp = message_class(DESCRIPTOR.message_types_by_name["ResultResp"])
ResetReq = message_class(DESCRIPTOR.message_types_by_name["ResetReq"])
ResetResp = message_class(DESCRIPTOR.message_types_by_name["ResetResp"])
EnableReq = message_class(DESCRIPTOR.message_types_by_name["EnableReq"])
EnableResp = message_class(DESCRIPTOR.message_types_by_name["EnableResp"])
DisableReq = message_class(DESCRIPTOR.message_types_by_name["DisableReq"])
DisableResp = message_class(DESCRIPTOR.message_types_by_name["DisableResp"])
