using static Mergeflow.Control.OpenFlow.OfVersion;
using K = Mergeflow.Control.OpenFlow.OfKind;

namespace Mergeflow.Control.OpenFlow;

/// <summary>How long the messages are that a switch takes, behind their headers: it is looked at before anything in them (OVS <c>ofpraw_decode</c>, the comments of <c>ofp-msgs.h</c>).</summary>
internal static class OfLengths
{
    /// <summary>Any number of bytes more.</summary>
    private const int Any = 1;

    /// <summary>So many bytes more, or a multiple.</summary>
    private const int Words = 8;

    /// <summary>Not a byte more.</summary>
    private const int None = 0;

    /// <summary><c>NXT_SET_ASYNC_CONFIG</c>.</summary>
    private const uint OldSetAsync = 19;

    /// <summary>Whether a message of a form, in a version, can have so many bytes behind its headers.</summary>
    public static bool Fits(OfForm form, OfVersion version, int bytes)
    {
        (int least, int more) = Of(form, form.Kind, form.Space, version);
        return bytes == least || (bytes > least && more != None && (bytes - least) % more == 0);
    }

    /// <summary>A message that is for a switch, and not from one.</summary>
    public static bool IsForSwitch(OfForm form) => form.Part == OfPart.Request || form.Kind is K.EchoRequest or K.EchoReply or K.Error or K.FeaturesRequest or K.GetConfigRequest or K.SetConfig or K.PacketOut or K.FlowMod
        or K.GroupMod or K.PortMod or K.TableMod or K.MeterMod or K.BarrierRequest or K.QueueGetConfigRequest or K.RoleRequest or K.GetAsyncRequest or K.SetAsync or K.BundleControl or K.BundleAdd or K.SetFlowFormat
        or K.FlowModTableId or K.SetPacketInFormat or K.FlowAge or K.SetControllerId or K.TlvTableMod or K.TlvTableRequest or K.Resume or K.CtFlushZone or K.CtFlush or K.FlowMonitorCancel;

    private static (int Least, int More) Of(OfForm form, K kind, OfSpace space, OfVersion version) => kind switch
    {
        K.Hello or K.EchoRequest or K.EchoReply => (0, Any),
        K.Error => (4, Any),
        K.SetConfig or K.SetFlowFormat or K.SetPacketInFormat or K.FlowMonitorCancel => (4, None),
        K.PacketOut => (version is V10 or V15 ? 8 : 16, Any),
        K.FlowMod => (space == OfSpace.Nicira ? 32 : version == V10 ? 64 : 40, Words),
        K.GroupMod => (space == OfSpace.Nicira || version == V15 ? 16 : 8, Words),
        K.PortMod => version switch { V10 => (24, None), < V14 => (32, None), _ => (24, Words) },
        K.TableMod => (8, version < V14 ? None : Words),
        K.MeterMod or K.BundleControl or K.TlvTableMod or K.CtFlush => (8, Words),
        K.BundleAdd => (8, Any),
        K.QueueGetConfigRequest => (version == V10 ? 4 : 8, None),
        K.RoleRequest => (space == OfSpace.Nicira ? 4 : 16, None),
        K.SetAsync => form.Number == OldSetAsync && space == OfSpace.Nicira || version < V14 && space == OfSpace.Standard ? (24, None) : (0, Words),
        K.FlowRequest or K.AggregateRequest => space == OfSpace.Nicira ? (8, Words) : version == V10 ? (44, None) : (32, Words),
        K.PortRequest or K.QueueRequest or K.QueueDescRequest or K.GroupRequest or K.MeterRequest or K.MeterConfigRequest or K.FlowModTableId or K.SetControllerId or K.CtFlushZone => (8, None),
        K.GroupDescRequest => (version == V15 || space == OfSpace.Nicira ? 8 : 0, None),
        K.PortDescRequest => (version == V15 ? 8 : 0, None),
        K.TableFeaturesRequest or K.FlowMonitorRequest or K.Resume => (0, Words),
        _ => (0, None),
    };
}
