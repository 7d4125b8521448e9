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
    b'obuf/struct.proto\x1a\x0cshared.proto"\xf2\x05\n\tCreateReq\x12K\n\x07options\x18\x01 \x01(\x0b21'
    b'.event_store.client.projections.CreateReq.OptionsR\x07options\x1a\x97\x05\n\x07O'
    b'ptions\x126\n\x08one_time\x18\x01 \x01(\x0b2\x19.event_store.client.EmptyH\x00R\x07oneTime\x12['
    b'\n\ttransient\x18\x02 \x01(\x0b2;.event_store.client.projections.CreateReq.Opt'
    b'ions.TransientH\x00R\ttransient\x12^\n\ncontinuous\x18\x03 \x01(\x0b2<.event_store.cl'
    b'ient.projections.CreateReq.Options.ContinuousH\x00R\ncontinuous\x12\x14\n\x05q'
    b'uery\x18\x04 \x01(\tR\x05query\x12%\n\x0eengine_version\x18\x05 \x01(\x05R\rengineVersion\x12a\n\nprop'
    b'erties\x18\x06 \x03(\x0b2A.event_store.client.projections.CreateReq.Options.'
    b'PropertiesEntryR\nproperties\x1aU\n\x0fPropertiesEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key'
    b'\x12,\n\x05value\x18\x02 \x01(\x0b2\x16.google.protobuf.ValueR\x05value:\x028\x01\x1a\x1f\n\tTransient\x12'
    b'\x12\n\x04name\x18\x01 \x01(\tR\x04name\x1aw\n\nContinuous\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12!\n\x0cemit_en'
    b'abled\x18\x02 \x01(\x08R\x0bemitEnabled\x122\n\x15track_emitted_streams\x18\x03 \x01(\x08R\x13trackEm'
    b'ittedStreamsB\x06\n\x04mode"\x0c\n\nCreateResp"\xc1\x03\n\tUpdateReq\x12K\n\x07options\x18\x01 \x01('
    b'\x0b21.event_store.client.projections.UpdateReq.OptionsR\x07options\x1a\xe6\x02'
    b'\n\x07Options\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12\x14\n\x05query\x18\x02 \x01(\tR\x05query\x12#\n\x0cemit_enab'
    b'led\x18\x03 \x01(\x08H\x00R\x0bemitEnabled\x12C\n\x0fno_emit_options\x18\x04 \x01(\x0b2\x19.event_store.'
    b'client.EmptyH\x00R\rnoEmitOptions\x12a\n\nproperties\x18\x05 \x03(\x0b2A.event_store.'
    b'client.projections.UpdateReq.Options.PropertiesEntryR\nproperties'
    b'\x1aU\n\x0fPropertiesEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12,\n\x05value\x18\x02 \x01(\x0b2\x16.google.pr'
    b'otobuf.ValueR\x05value:\x028\x01B\r\n\x0bemit_option"\x0c\n\nUpdateResp"\x98\x02\n\tDeleteR'
    b'eq\x12K\n\x07options\x18\x01 \x01(\x0b21.event_store.client.projections.DeleteReq.O'
    b'ptionsR\x07options\x1a\xbd\x01\n\x07Options\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x124\n\x16delete_emitte'
    b'd_streams\x18\x02 \x01(\x08R\x14deleteEmittedStreams\x12.\n\x13delete_state_stream\x18\x03 \x01'
    b'(\x08R\x11deleteStateStream\x128\n\x18delete_checkpoint_stream\x18\x04 \x01(\x08R\x16deleteC'
    b'heckpointStream"\x0c\n\nDeleteResp"\xe9\x02\n\rStatisticsReq\x12O\n\x07options\x18\x01 \x01(\x0b'
    b'25.event_store.client.projections.StatisticsReq.OptionsR\x07options'
    b'\x1a\x86\x02\n\x07Options\x12\x14\n\x04name\x18\x01 \x01(\tH\x00R\x04name\x12-\n\x03all\x18\x02 \x01(\x0b2\x19.event_store.cl'
    b'ient.EmptyH\x00R\x03all\x129\n\ttransient\x18\x03 \x01(\x0b2\x19.event_store.client.EmptyH'
    b'\x00R\ttransient\x12;\n\ncontinuous\x18\x04 \x01(\x0b2\x19.event_store.client.EmptyH\x00R\nc'
    b'ontinuous\x126\n\x08one_time\x18\x05 \x01(\x0b2\x19.event_store.client.EmptyH\x00R\x07oneTim'
    b'eB\x06\n\x04mode"\xec\x06\n\x0eStatisticsResp\x12P\n\x07details\x18\x01 \x01(\x0b26.event_store.clie'
    b'nt.projections.StatisticsResp.DetailsR\x07details\x1a\x87\x06\n\x07Details\x12.\n\x12co'
    b'reProcessingTime\x18\x01 \x01(\x03R\x12coreProcessingTime\x12\x18\n\x07version\x18\x02 \x01(\x03R\x07ver'
    b'sion\x12\x14\n\x05epoch\x18\x03 \x01(\x03R\x05epoch\x12$\n\reffectiveName\x18\x04 \x01(\tR\reffectiveName'
    b'\x12*\n\x10writesInProgress\x18\x05 \x01(\x05R\x10writesInProgress\x12(\n\x0freadsInProgress\x18'
    b'\x06 \x01(\x05R\x0freadsInProgress\x12*\n\x10partitionsCached\x18\x07 \x01(\x05R\x10partitionsCach'
    b'ed\x12\x16\n\x06status\x18\x08 \x01(\tR\x06status\x12 \n\x0bstateReason\x18\t \x01(\tR\x0bstateReason\x12\x12\n\x04'
    b'name\x18\n \x01(\tR\x04name\x12\x12\n\x04mode\x18\x0b \x01(\tR\x04mode\x12\x1a\n\x08position\x18\x0c \x01(\tR\x08position'
    b'\x12\x1a\n\x08progress\x18\r \x01(\x02R\x08progress\x12&\n\x0elastCheckpoint\x18\x0e \x01(\tR\x0elastCheckp'
    b'oint\x12@\n\x1beventsProcessedAfterRestart\x18\x0f \x01(\x03R\x1beventsProcessedAfterR'
    b'estart\x12*\n\x10checkpointStatus\x18\x10 \x01(\tR\x10checkpointStatus\x12&\n\x0ebufferedEv'
    b'ents\x18\x11 \x01(\x03R\x0ebufferedEvents\x12N\n"writePendingEventsBeforeCheckpoint'
    b'\x18\x12 \x01(\x05R"writePendingEventsBeforeCheckpoint\x12L\n!writePendingEvents'
    b'AfterCheckpoint\x18\x13 \x01(\x05R!writePendingEventsAfterCheckpoint"\x93\x01\n\x08Sta'
    b'teReq\x12J\n\x07options\x18\x01 \x01(\x0b20.event_store.client.projections.StateReq'
    b'.OptionsR\x07options\x1a;\n\x07Options\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12\x1c\n\tpartition\x18\x02 '
    b'\x01(\tR\tpartition"9\n\tStateResp\x12,\n\x05state\x18\x01 \x01(\x0b2\x16.google.protobuf.Val'
    b'ueR\x05state"\x95\x01\n\tResultReq\x12K\n\x07options\x18\x01 \x01(\x0b21.event_store.client.pr'
    b'ojections.ResultReq.OptionsR\x07options\x1a;\n\x07Options\x12\x12\n\x04name\x18\x01 \x01(\tR\x04n'
    b'ame\x12\x1c\n\tpartition\x18\x02 \x01(\tR\tpartition"<\n\nResultResp\x12.\n\x06result\x18\x01 \x01(\x0b2'
    b'\x16.google.protobuf.ValueR\x06result"\xa0\x01\n\x08ResetReq\x12J\n\x07options\x18\x01 \x01(\x0b20.'
    b'event_store.client.projections.ResetReq.OptionsR\x07options\x1aH\n\x07Opti'
    b'ons\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12)\n\x10write_checkpoint\x18\x02 \x01(\x08R\x0fwriteCheckpoi'
    b'nt"\x0b\n\tResetResp"w\n\tEnableReq\x12K\n\x07options\x18\x01 \x01(\x0b21.event_store.clie'
    b'nt.projections.EnableReq.OptionsR\x07options\x1a\x1d\n\x07Options\x12\x12\n\x04name\x18\x01 \x01'
    b'(\tR\x04name"\x0c\n\nEnableResp"\xa4\x01\n\nDisableReq\x12L\n\x07options\x18\x01 \x01(\x0b22.event_s'
    b'tore.client.projections.DisableReq.OptionsR\x07options\x1aH\n\x07Options\x12\x12'
    b'\n\x04name\x18\x01 \x01(\tR\x04name\x12)\n\x10write_checkpoint\x18\x02 \x01(\x08R\x0fwriteCheckpoint"\r\n'
    b'\x0bDisableResp2\xcb\x07\n\x0bProjections\x12_\n\x06Create\x12).event_store.client.proj'
    b'ections.CreateReq\x1a*.event_store.client.projections.CreateResp\x12_\n'
    b'\x06Update\x12).event_store.client.projections.UpdateReq\x1a*.event_store'
    b'.client.projections.UpdateResp\x12_\n\x06Delete\x12).event_store.client.pr'
    b'ojections.DeleteReq\x1a*.event_store.client.projections.DeleteResp\x12'
    b'm\n\nStatistics\x12-.event_store.client.projections.StatisticsReq\x1a..e'
    b'vent_store.client.projections.StatisticsResp0\x01\x12b\n\x07Disable\x12*.even'
    b't_store.client.projections.DisableReq\x1a+.event_store.client.proje'
    b'ctions.DisableResp\x12_\n\x06Enable\x12).event_store.client.projections.En'
    b'ableReq\x1a*.event_store.client.projections.EnableResp\x12\\\n\x05Reset\x12(.e'
    b'vent_store.client.projections.ResetReq\x1a).event_store.client.proj'
    b'ections.ResetResp\x12\\\n\x05State\x12(.event_store.client.projections.Stat'
    b'eReq\x1a).event_store.client.projections.StateResp\x12_\n\x06Result\x12).even'
    b't_store.client.projections.ResultReq\x1a*.event_store.client.projec'
    b'tions.ResultResp\x12H\n\x10RestartSubsystem\x12\x19.event_store.client.Empty\x1a'
    b'\x19.event_store.client.Emptyb\x06proto3'
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
