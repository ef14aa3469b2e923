using System.Collections.Frozen;
using static Mergeflow.Control.OpenFlow.OfSpace;
using static Mergeflow.Control.OpenFlow.OfVersion;
using K = Mergeflow.Control.OpenFlow.OfKind;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Which number each message has in each version (OVS <c>ofp-msgs.h</c>).</summary>
internal static class OfForms
{
    private static readonly OfForm[] s_all =
    [
        new(K.Hello, Standard, 0, V10, V15, static () => new OfHello()),
        new(K.Error, Standard, 1, V10, V15, static () => new OfErrorMessage()),
        new(K.EchoRequest, Standard, 2, V10, V15, static () => new OfOpaque()),
        new(K.EchoReply, Standard, 3, V10, V15, static () => new OfOpaque()),
        new(K.FeaturesRequest, Standard, 5, V10, V15, static () => new OfEmpty()),
        new(K.FeaturesReply, Standard, 6, V10, V15, static () => new OfFeatures()),
        new(K.GetConfigRequest, Standard, 7, V10, V15, static () => new OfEmpty()),
        new(K.GetConfigReply, Standard, 8, V10, V15, static () => new OfSwitchConfig()),
        new(K.SetConfig, Standard, 9, V10, V15, static () => new OfSwitchConfig()),
        new(K.PacketIn, Standard, 10, V10, V15, static () => new OfPacketIn()),
        new(K.PacketIn, Nicira, 17, V10, V15, static () => new OfPacketIn()),
        new(K.PacketIn2, Nicira, 30, V10, V15, static () => new OfPacketIn2()),
        new(K.FlowRemoved, Standard, 11, V10, V15, static () => new OfFlowRemoved()),
        new(K.FlowRemoved, Nicira, 14, V10, V15, static () => new OfFlowRemoved()),
        new(K.PortStatus, Standard, 12, V10, V15, static () => new OfPortStatus()),
        new(K.PacketOut, Standard, 13, V10, V15, static () => new OfPacketOut()),
        new(K.FlowMod, Standard, 14, V10, V15, static () => new OfFlowModMessage()),
        new(K.FlowMod, Nicira, 13, V10, V15, static () => new OfFlowModMessage()),
        new(K.GroupMod, Standard, 15, V11, V15, static () => new OfGroupModMessage()),
        new(K.GroupMod, Nicira, 31, V10, V10, static () => new OfGroupModMessage()),
        new(K.PortMod, Standard, 15, V10, V10, static () => new OfPortMod()),
        new(K.PortMod, Standard, 16, V11, V15, static () => new OfPortMod()),
        new(K.TableMod, Standard, 17, V11, V15, static () => new OfTableMod()),
        new(K.MeterMod, Standard, 29, V13, V15, static () => new OfMeterModMessage()),
        new(K.BarrierRequest, Standard, 18, V10, V10, static () => new OfEmpty()),
        new(K.BarrierReply, Standard, 19, V10, V10, static () => new OfEmpty()),
        new(K.BarrierRequest, Standard, 20, V11, V15, static () => new OfEmpty()),
        new(K.BarrierReply, Standard, 21, V11, V15, static () => new OfEmpty()),
        new(K.QueueGetConfigRequest, Standard, 20, V10, V10, static () => new OfQueueConfig()),
        new(K.QueueGetConfigReply, Standard, 21, V10, V10, static () => new OfQueueConfig()),
        new(K.QueueGetConfigRequest, Standard, 22, V11, V13, static () => new OfQueueConfig()),
        new(K.QueueGetConfigReply, Standard, 23, V11, V13, static () => new OfQueueConfig()),
        new(K.RoleRequest, Standard, 24, V12, V15, static () => new OfRole()),
        new(K.RoleReply, Standard, 25, V12, V15, static () => new OfRole()),
        new(K.RoleRequest, Nicira, 10, V10, V15, static () => new OfRole()),
        new(K.RoleReply, Nicira, 11, V10, V15, static () => new OfRole()),
        new(K.RoleStatus, Standard, 30, V14, V15, static () => new OfRoleStatus()),
        new(K.TableStatus, Standard, 31, V14, V15, static () => new OfTableStatus()),
        new(K.RoleStatus, Onf, 1911, V13, V13, static () => new OfRoleStatus()),
        new(K.GetAsyncRequest, Standard, 26, V13, V15, static () => new OfEmpty()),
        new(K.GetAsyncReply, Standard, 27, V13, V15, static () => new OfAsyncConfig()),
        new(K.SetAsync, Standard, 28, V13, V15, static () => new OfAsyncConfig()),
        new(K.SetAsync, Nicira, 27, V10, V13, static () => new OfAsyncConfig { HasProperties = true }),
        new(K.SetAsync, Nicira, 19, V10, V15, static () => new OfAsyncConfig()),
        new(K.RequestForward, Standard, 32, V14, V15, static () => new OfRequestForward()),
        new(K.RequestForward, Onf, 2350, V13, V13, static () => new OfRequestForward()),
        new(K.RequestForward, Nicira, 132, V10, V12, static () => new OfRequestForward()),
        new(K.BundleControl, Standard, 33, V14, V15, static () => new OfBundleControl()),
        new(K.BundleControl, Onf, 2300, V13, V13, static () => new OfBundleControl()),
        new(K.BundleAdd, Standard, 34, V14, V15, static () => new OfBundleAdd()),
        new(K.BundleAdd, Onf, 2301, V13, V13, static () => new OfBundleAdd()),
        new(K.SetFlowFormat, Nicira, 12, V10, V10, static () => new OfNumber()),
        new(K.FlowModTableId, Nicira, 15, V10, V15, static () => new OfFlowModTableId()),
        new(K.SetPacketInFormat, Nicira, 16, V10, V15, static () => new OfNumber()),
        new(K.FlowAge, Nicira, 18, V10, V15, static () => new OfEmpty()),
        new(K.SetControllerId, Nicira, 20, V10, V15, static () => new OfNumber16()),
        new(K.TlvTableMod, Nicira, 24, V10, V15, static () => new OfTlvTableMod()),
        new(K.TlvTableRequest, Nicira, 25, V10, V15, static () => new OfEmpty()),
        new(K.TlvTableReply, Nicira, 26, V10, V15, static () => new OfTlvTableReply()),
        new(K.Resume, Nicira, 28, V10, V15, static () => new OfPacketIn2()),
        new(K.CtFlushZone, Nicira, 29, V10, V15, static () => new OfNumber16()),
        new(K.CtFlush, Nicira, 32, V10, V15, static () => new OfCtFlush()),
        new(K.FlowMonitorCancel, Nicira, 21, V10, V12, static () => new OfNumber()),
        new(K.FlowMonitorCancel, Onf, 1870, V13, V13, static () => new OfNumber()),
        new(K.FlowMonitorPaused, Nicira, 22, V10, V12, static () => new OfEmpty()),
        new(K.FlowMonitorPaused, Onf, 1871, V13, V13, static () => new OfEmpty()),
        new(K.FlowMonitorResumed, Nicira, 23, V10, V12, static () => new OfEmpty()),
        new(K.FlowMonitorResumed, Onf, 1872, V13, V13, static () => new OfEmpty()),
        .. Multipart(K.DescRequest, K.DescReply, Standard, 0, V10, V15, static () => new OfEmpty(), static () => new OfDesc()),
        .. Multipart(K.FlowRequest, K.FlowReply, Standard, 1, V10, V15, static () => new OfFlowRequest(), static () => new OfFlowReply()),
        .. Multipart(K.FlowRequest, K.FlowReply, Nicira, 0, V10, V10, static () => new OfFlowRequest(), static () => new OfFlowReply()),
        .. Multipart(K.AggregateRequest, K.AggregateReply, Standard, 2, V10, V15, static () => new OfFlowRequest(), static () => new OfAggregateReply()),
        .. Multipart(K.AggregateRequest, K.AggregateReply, Nicira, 1, V10, V10, static () => new OfFlowRequest(), static () => new OfAggregateReply()),
        .. Multipart(K.TableRequest, K.TableReply, Standard, 3, V10, V15, static () => new OfEmpty(), static () => new OfTableReply()),
        .. Multipart(K.PortRequest, K.PortReply, Standard, 4, V10, V15, static () => new OfPortRequest(), static () => new OfPortReply()),
        .. Multipart(K.QueueRequest, K.QueueReply, Standard, 5, V10, V15, static () => new OfQueueRequest(), static () => new OfQueueReply()),
        .. Multipart(K.GroupRequest, K.GroupReply, Standard, 6, V11, V15, static () => new OfIdRequest(), static () => new OfGroupReply()),
        .. Multipart(K.GroupRequest, K.GroupReply, Nicira, 7, V10, V10, static () => new OfIdRequest(), static () => new OfGroupReply()),
        .. Multipart(K.GroupDescRequest, K.GroupDescReply, Standard, 7, V11, V15, static () => new OfGroupDescRequest(), static () => new OfGroupDescReply()),
        .. Multipart(K.GroupDescRequest, K.GroupDescReply, Nicira, 8, V10, V10, static () => new OfGroupDescRequest(), static () => new OfGroupDescReply()),
        .. Multipart(K.GroupFeaturesRequest, K.GroupFeaturesReply, Standard, 8, V12, V15, static () => new OfEmpty(), static () => new OfGroupFeatures()),
        .. Multipart(K.GroupFeaturesRequest, K.GroupFeaturesReply, Nicira, 9, V10, V11, static () => new OfEmpty(), static () => new OfGroupFeatures()),
        .. Multipart(K.MeterRequest, K.MeterReply, Standard, 9, V13, V15, static () => new OfIdRequest(), static () => new OfMeterReply()),
        .. Multipart(K.MeterConfigRequest, K.MeterConfigReply, Standard, 10, V13, V15, static () => new OfIdRequest(), static () => new OfMeterConfigReply()),
        .. Multipart(K.MeterFeaturesRequest, K.MeterFeaturesReply, Standard, 11, V13, V15, static () => new OfEmpty(), static () => new OfMeterFeatures()),
        .. Multipart(K.TableFeaturesRequest, K.TableFeaturesReply, Standard, 12, V13, V15, static () => new OfOpaque(), static () => new OfTableFeaturesReply()),
        .. Multipart(K.PortDescRequest, K.PortDescReply, Standard, 13, V10, V15, static () => new OfPortDescRequest(), static () => new OfPortDescReply()),
        .. Multipart(K.TableDescRequest, K.TableDescReply, Standard, 14, V14, V15, static () => new OfEmpty(), static () => new OfTableDescReply()),
        .. Multipart(K.QueueDescRequest, K.QueueDescReply, Standard, 15, V14, V15, static () => new OfQueueRequest(), static () => new OfOpaque()),
        .. Multipart(K.FlowMonitorRequest, K.FlowMonitorReply, Standard, 16, V14, V15, static () => new OfFlowMonitorRequest(), static () => new OfFlowMonitorReply()),
        .. Multipart(K.FlowMonitorRequest, K.FlowMonitorReply, Onf, 1870, V13, V13, static () => new OfFlowMonitorRequest(), static () => new OfFlowMonitorReply()),
        .. Multipart(K.FlowMonitorRequest, K.FlowMonitorReply, Nicira, 2, V10, V12, static () => new OfFlowMonitorRequest(), static () => new OfFlowMonitorReply()),
        new(K.IpfixBridgeRequest, Nicira, 3, V10, V15, static () => new OfEmpty()) { Part = OfPart.Request },
        new(K.IpfixFlowRequest, Nicira, 4, V10, V15, static () => new OfEmpty()) { Part = OfPart.Request },
    ];

    private static readonly FrozenDictionary<(OfVersion, OfPart, OfSpace, uint), OfForm> s_byNumber = Enum.GetValues<OfVersion>()
        .SelectMany(static v => s_all.Where(f => v >= f.First && v <= f.Last).Select(f => ((v, f.Part, f.Space, f.Number), f)))
        .ToFrozenDictionary(static e => e.Item1, static e => e.f);

    /// <summary>The form that a header names; null = unknown.</summary>
    public static OfForm? Find(OfVersion version, OfPart part, OfSpace space, uint number) => s_byNumber.GetValueOrDefault((version, part, space, number));

    /// <summary>The form in which a message is written.</summary>
    /// <exception cref="ArgumentException">The version has no such message.</exception>
    public static OfForm Of(OfMessage message, OfVersion version)
    {
        OfForm? found = null;
        foreach (OfForm f in s_all)
        {
            if (f.Kind != message.Kind || version < f.First || version > f.Last) continue;
            if (found is null || (f.Space == Nicira) == message.IsNicira) found = f;
        }

        return found ?? throw new ArgumentException($"{version} has no {message.Kind}", nameof(message));
    }

    private static OfForm[] Multipart(K request, K reply, OfSpace space, uint number, OfVersion first, OfVersion last, Func<OfMessage> ask, Func<OfMessage> answer) =>
    [
        new(request, space, number, first, last, ask) { Part = OfPart.Request },
        new(reply, space, number, first, last, answer) { Part = OfPart.Reply },
    ];
}

/// <summary>A message in some versions.</summary>
/// <param name="Kind">What it is for.</param>
/// <param name="Space">Whose number it is.</param>
/// <param name="Number">Type, or subtype of an experimenter.</param>
/// <param name="First">First version.</param>
/// <param name="Last">Last version.</param>
/// <param name="Create">An empty one to read into.</param>
internal sealed record OfForm(OfKind Kind, OfSpace Space, uint Number, OfVersion First, OfVersion Last, Func<OfMessage> Create)
{
    /// <summary>Whether it is a multipart message, and which side.</summary>
    public OfPart Part { get; init; }
}

/// <summary>Whose numbers.</summary>
internal enum OfSpace : byte
{
    Standard,
    Nicira,
    Onf,
}

/// <summary>Side of a multipart message (<c>OFPT_STATS</c> before OpenFlow 1.3).</summary>
internal enum OfPart : byte
{
    None,
    Request,
    Reply,
}
