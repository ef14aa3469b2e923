using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <content>Actions of Open vSwitch's own: choosing by a hash, learning, telling controllers and collectors.</content>
public sealed unsafe partial class Translator
{
    /// <summary>Writes the number of a link (OVS <c>multipath_execute</c>).</summary>
    private void Multipath(XlateOp op)
    {
        var multipath = (OfMultipath)op.Action!;
        uint hash = _hashes.Of(multipath.HashFields, multipath.Basis);
        WriteDestination(op, Links.Choose(hash, multipath.Algorithm, multipath.MaxLink + 1u, multipath.Argument));
        _context.Shows(multipath.Destination);
    }

    /// <summary>Sends to a port whose link is up, or writes its number (OVS <c>xlate_bundle_action</c>).</summary>
    private void Bundle(XlateOp op, bool last)
    {
        var bundle = (OfBundle)op.Action!;
        uint port = (uint)OfReservedPort.None;
        if (bundle.Algorithm == OfBundleAlgorithm.ActiveBackup)
        {
            for (int i = bundle.Members.Count - 1; i >= 0; i--)
            {
                if (IsEnabled(bundle.Members[i])) port = bundle.Members[i];
            }
        }
        else if (bundle.Members.Count > 0)
        {
            uint hash = bundle.Members.Count > 1 ? _hashes.Of(bundle.HashFields, bundle.Basis) : 0;
            port = HighestWeight(bundle.Members, hash);
        }

        if (bundle.Destination is not { } to)
        {
            Output(port, last);
            return;
        }

        WriteDestination(op, (ushort)port);
        _context.Shows(to);
    }

    private uint HighestWeight(EquatableList<uint> members, uint hash)
    {
        uint port = (uint)OfReservedPort.None, best = 0;
        bool any = false;
        for (int i = 0; i < members.Count; i++)
        {
            if (!IsEnabled(members[i])) continue;
            uint weight = JenkinsHash.OfWords((uint)i, hash);
            if (!any || weight > best) (any, best, port) = (true, weight, members[i]);
        }

        return port;
    }

    /// <summary>OVS <c>member_enabled_cb</c>.</summary>
    private bool IsEnabled(uint port) => (OfReservedPort)port switch
    {
        OfReservedPort.InPort or OfReservedPort.Table or OfReservedPort.Normal or OfReservedPort.Flood or OfReservedPort.All or OfReservedPort.None => true,
        _ => _context.Tables.LivePorts.Contains(port),
    };

    /// <summary>The packet adds a rule (OVS <c>xlate_learn_action</c>). Without a packet, as in an explanation, nothing is learned and nothing written.</summary>
    private void Learn(XlateOp op)
    {
        var learn = (OfLearn)op.Action!;
        foreach (FieldPatch source in op.Learns!.SourcePatches) _flow.Consult(source);
        if (!MayLearnRules && _context.IsExplained)
        {
            _context.Warn("suppressing side effects, so learn action ignored");
            return;
        }

        FlowMod rule = op.Learns.RuleOf(_flow.Current);
        if (_context.IsExplained) _context.Step(new XlateStep(XlateStepKind.Detail, _context.Level, "") { Learned = rule });
        bool isThere = true;
        if (MayLearnRules) isThere = Backlog?.Learn(_context.Pipeline, rule, learn.Limit, _context.NowMs) ?? _context.Pipeline.Learn(rule, learn.Limit, _context.NowMs);
        else if (learn.Limit != 0 && _context.Pipeline.Has(rule) != true) _context.Out.IsUncertain = true;
        if (learn.Result is { } result)
        {
            WriteDestination(op, isThere ? 1u : 0u);
            _context.Shows(result);
        }

        if (isThere) _context.Out.LearnedRules.Add(new LearnedRule(rule, learn.Limit, _context.Pipeline));
        else _context.Detail("Limit exceeded, learn failed");
    }

    /// <summary>The rule's timeouts end sooner when a connection ends (OVS <c>xlate_fin_timeout</c>).</summary>
    private void FinTimeout(OfFinTimeout action)
    {
        _flow.Consult(L.NwProto, 0xff);
        if (_context.Rule is not { } rule) return;
        var timeout = new FinTimeout(rule, action.IdleTimeoutSeconds, action.HardTimeoutSeconds, _context.Pipeline);

        // Flags of packets that hardware forwards are not known.
        _context.Out.FinTimeouts.Add(timeout);
        _context.Out.SlowPath = true;
        if (!MayLearnRules || !EndsConnection(_flow.Key.TcpFlags.Host)) return;
        if (Backlog is { } backlog) backlog.ReduceTimeouts(_context.Pipeline, in timeout);
        else _context.Pipeline.ReduceTimeouts(rule, timeout.IdleSeconds, timeout.HardSeconds);
    }

    /// <summary>Among the flags is FIN or RST.</summary>
    internal static bool EndsConnection(ushort tcpFlags) => (tcpFlags & 0x05) != 0;

    /// <summary>Tells controllers; a meter may bound how often.</summary>
    private void TellController(OfController controller)
    {
        PacketInReason reason = PacketInReasons.Of(controller.Reason);
        _transmitter.Tell(controller.MaxLengthBytes, reason, controller.Id, controller.UserData, controller.MeterId);
    }

    /// <summary>An output to <c>controller</c>: why it gets the packet depends on where the action stands.</summary>
    private void OutputToController(ushort maxLengthBytes)
    {
        PacketInReason reason = _resumed is { IsPacketOut: true } ? PacketInReason.PacketOut : _bucketDepth > 0 ? PacketInReason.Group : _context.InActionSet ? PacketInReason.ActionSet : PacketInReason.Action;
        _transmitter.Tell(maxLengthBytes, reason, 0, "", null);
    }

    /// <summary>A sample for collectors, of a share of the packets (OVS <c>xlate_sample_action</c>).</summary>
    private void Sample(OfSample sample)
    {
        if (!_context.Tables.HasCollectors) return;
        uint port = uint.MaxValue;
        if (sample.SamplingPort is { } wanted && wanted != _flow.InPort)
        {
            if (!_context.Tables.Ports.ContainsKey(wanted))
            {
                _context.Error($"can't use unknown port {wanted} in flow sample action");
                return;
            }

            port = wanted;
        }

        _committer.Commit();
        int record = _context.Out.Count;
        bool isWhole = sample.Probability == ushort.MaxValue;
        if (!isWhole) _context.Out.Add(DpOp.Sample).Probability = ((uint)sample.Probability << 16) | sample.Probability;
        ref DpUserspace told = ref _context.Out.Add(DpOp.Userspace).Userspace;
        told.Reason = UserspaceReason.Sample;
        told.Bridge = _context.Pipeline.Id;
        told.Probability = sample.Probability;
        told.Direction = (byte)sample.Direction;
        told.CollectorSetId = sample.CollectorSetId;
        told.ObservationDomainId = sample.ObservationDomainId;
        told.ObservationPointId = sample.ObservationPointId;
        told.OutputPort = port;
        if (!isWhole) _context.Out.Nest(record);
    }
}
