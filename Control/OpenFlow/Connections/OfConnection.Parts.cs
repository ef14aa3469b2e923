namespace Mergeflow.Control.OpenFlow;

/// <content>Multipart requests.</content>
public sealed partial class OfConnection
{
    private bool AnswerPart(OfMessage request)
    {
        switch (request.Kind)
        {
            case OfKind.DescRequest:
                Reply(new OfDesc { Kind = OfKind.DescReply, Xid = request.Xid, Manufacturer = "Mergeflow contributors", Hardware = "Mergeflow", Software = ProgramNumber, SerialNumber = "None", Datapath = _switch.Name });
                return true;
            case OfKind.FlowRequest:
                SendFlows((OfFlowRequest)request);
                return true;
            case OfKind.AggregateRequest:
                SendAggregate((OfFlowRequest)request);
                return true;
            case OfKind.TableRequest:
                SendTables(request);
                return true;
            case OfKind.TableFeaturesRequest:
                SendTableFeatures((OfOpaque)request);
                return true;
            case OfKind.TableDescRequest:
                SendTableDescs(request);
                return true;
            case OfKind.PortRequest:
                SendPortStats((OfPortRequest)request);
                return true;
            case OfKind.PortDescRequest:
                SendPortDescs((OfPortDescRequest)request);
                return true;
            case OfKind.QueueRequest or OfKind.QueueDescRequest:
                SendQueues((OfQueueRequest)request);
                return true;
            case OfKind.QueueGetConfigRequest:
                SendQueueConfig((OfQueueConfig)request);
                return true;
            case OfKind.GroupRequest or OfKind.GroupDescRequest or OfKind.GroupFeaturesRequest:
                SendGroups(request);
                return true;
            case OfKind.MeterRequest or OfKind.MeterConfigRequest or OfKind.MeterFeaturesRequest:
                SendMeters(request);
                return true;
            case OfKind.FlowMonitorRequest:
                StartMonitors((OfFlowMonitorRequest)request);
                return true;
            case OfKind.IpfixBridgeRequest or OfKind.IpfixFlowRequest:
                throw new OfRefusal("NXST_NOT_CONFIGURED", "there is no IPFIX");
            default:
                return false;
        }
    }

    private static string ProgramNumber { get; } = typeof(OfConnection).Assembly.GetName().Version?.ToString(3) ?? "";

    private MultipartReply Begin(OfMessage empty, OfMessage request) => new(_sink, NewWriter(), empty with { Xid = request.Xid, IsNicira = request.IsNicira });

    private IReadOnlyList<OfRule> Select(OfFlowRequest request)
    {
        return _switch.Rules(new FlowMod
        {
            Command = FlowModCommand.Delete,
            Table = request.Table == 255 ? null : request.Table,
            Cookie = request.Cookie & request.CookieMask,
            CookieMask = request.CookieMask,
            OutPort = request.OutPort == (uint)OfReservedPort.None ? null : request.OutPort,
            OutGroup = request.OutGroup == uint.MaxValue ? null : request.OutGroup,
            Match = request.Match,
        });
    }

    private void SendFlows(OfFlowRequest request)
    {
        MultipartReply reply = Begin(new OfFlowReply { Kind = OfKind.FlowReply }, request);
        long nowMs = _switch.NowMs;
        OfExchange<OfFlowStats> exchange = request.IsNicira ? static (OfFlowStats f, ref OfWire w) => f.ExchangeNicira(ref w) : static (OfFlowStats f, ref OfWire w) => f.Exchange(ref w);
        foreach (OfRule rule in Select(request))
        {
            if (!reply.Add(FlowStats(rule, nowMs), (OfFlowStats f, ref OfWire w) => OfList.Sized(ref w, f, exchange)))
                _switch.Warn("ofp_flow", "Flow exceeded the maximum flow statistics reply size and was excluded from the response set");
        }

        reply.End();
    }

    private static OfFlowStats FlowStats(OfRule rule, long nowMs)
    {
        long ageMs = Math.Max(0, nowMs - rule.CreatedMs), idleMs = Math.Max(0, nowMs - rule.LastUsedMs);
        return new OfFlowStats
        {
            Table = rule.Table,
            DurationSeconds = (uint)(ageMs / 1000),
            DurationNanoseconds = (uint)(ageMs % 1000 * 1_000_000),
            Priority = rule.Priority,
            IdleTimeoutSeconds = rule.IdleTimeoutSeconds,
            HardTimeoutSeconds = rule.HardTimeoutSeconds,
            IdleAge = (ushort)Math.Min(ushort.MaxValue, (idleMs / 1000) + 1),
            HardAge = (ushort)Math.Min(ushort.MaxValue, (Math.Max(0, nowMs - rule.ModifiedMs) / 1000) + 1),
            Flags = rule.Flags,
            Importance = rule.Importance,
            IdleSeconds = (uint)(idleMs / 1000),
            Cookie = rule.Cookie,
            Packets = rule.Packets,
            Bytes = rule.Bytes,
            Match = rule.Match,
            Actions = rule.Actions,
        };
    }

    private void SendAggregate(OfFlowRequest request)
    {
        IReadOnlyList<OfRule> rules = Select(request);
        (ulong packets, ulong bytes) = (0, 0);
        foreach (OfRule rule in rules) (packets, bytes) = (packets + rule.Packets, bytes + rule.Bytes);
        Reply(new OfAggregateReply { Kind = OfKind.AggregateReply, Xid = request.Xid, IsNicira = request.IsNicira, Packets = packets, Bytes = bytes, Flows = (uint)rules.Count });
    }
}
