using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <content>Several bridges in one datapath: whose a packet is (OVS <c>xlate_lookup</c>), and its way from one to another (<c>patch_port_output</c>).</content>
public sealed partial class Translator
{
    /// <summary>A packet has come by a port of the datapath: the bridge that has the port looks it up.</summary>
    private void Receive()
    {
        uint number = _flow.InPort;
        if (_context.Ports.Tunnels is { } tunnels && tunnels.IsDatapathPort(number))
        {
            bool isOurs = _tunnels.ReceiveFromTunnel(tunnels, number);
            if (isOurs) Arrive();
            else if (_tunnels.IsCongested) Look();
            return;
        }

        if (_context.Ports.Find(number) is not { } at)
        {
            _context.Error($"no OpenFlow port for datapath port {number}");
            return;
        }

        _context.Enter(at.Bridge);
        if (at.Port.Number != number) _flow.Write(L.InPort, L.Window4, Be32.FromHost(at.Port.Number).Raw);
        Arrive();
    }

    private void Arrive()
    {
        _mirrors.OnEnter();
        if (!_tunnels.TakeBfd() && !_bonds.TakeLacp()) LookupAndRun(0);
    }

    /// <summary>An output to a patch port: the bridge at the other end looks the packet up. Behind it the packet is what it was, whatever became of it there.</summary>
    /// <param name="from">The port here.</param>
    /// <param name="to">The port there.</param>
    /// <param name="last">Nothing follows.</param>
    private void PassPatch(PipelinePort from, BridgePort to, bool last)
    {
        if (from.Counters is { } sent) _context.Out.Groups.Add(sent.Tx);
        if (to.Port.Counters is { } received) _context.Out.Groups.Add(received.Rx);
        int saved = _saved.Save();
        Pass(to, last);
        _saved.RestoreFlow(saved);
    }

    /// <summary>A packet that has been encapsulated goes on at the port that leads to the other end of the tunnel, in the tables of that port's bridge (OVS <c>native_tunnel_output</c>).</summary>
    /// <param name="outer">Its headers now.</param>
    /// <param name="to">That port.</param>
    private void PassTunnel(in FlowKey outer, BridgePort to)
    {
        int saved = _saved.Save();
        bool isTranslated = _difference.IsTranslated;
        _flow.Wrap(in outer);
        _tags.TakeOff();
        _labels.WasMpls = _difference.IsTranslated = false;
        Pass(to, last: true);
        _saved.RestoreAll(saved);
        _difference.IsTranslated = isTranslated;
    }

    /// <summary>What the packet was in one bridge is nothing to the other: registers, metadata, tunnel and connection begin anew, as do stack, action set and mirrors; errors of one are none of the other.</summary>
    private void Pass(BridgePort to, bool last)
    {
        UInt128[] stack = _stack.Count == 0 ? [] : [.. _stack];
        XlateOp[] actionSet = _actionSet.Copy();
        bool hasGroup = _actionSet.HasGroup;
        (OfPipeline bridge, PipelineSnapshot tables, uint mirrored) = (_context.Pipeline, _context.Tables, _context.Mirrored);
        (OfRule? rule, XlateOp unroll, bool inActionSet, int level, int bucketDepth) = (_context.Rule, _context.Unroll, _context.InActionSet, _context.Level, _bucketDepth);
        _stack.Clear();
        _flow.Write(L.InPort, L.Window4, Be32.FromHost(to.Port.Number).Raw);
        foreach (int lane in (ReadOnlySpan<byte>)[Lanes.Regs, Lanes.RegsHigh, Lanes.Metadata, Lanes.Tunnel, Lanes.TunnelIpv6]) _flow.ClearLane(lane);
        _actionSet.Clear();
        _conntrack.Clear();
        if (_context.IsExplained) _context.Step(new XlateStep(XlateStepKind.Bridge, level, $"bridge(\"{to.Bridge.Name}\")"));
        _context.Level++;
        if (to.Bridge != bridge) _context.Mirrored = 0;
        _context.InActionSet = false;
        _context.Enter(to.Bridge);
        if (!_tunnels.TakeBfd() && !_bonds.TakeLacp()) EnterTable(0, 0, withCtTuple: false, last, tellsMiss: true, onCopy: true);
        if (_context.Out.Error is null && !_freezer.IsFreezing) RunActionSet();
        if (_context.Out.Error is null && _freezer.IsFreezing) _freezer.Finish();
        _freezer.Cancel();
        _context.Out.Error = null;
        _context.Enter(bridge, tables);
        if (to.Bridge != bridge) _context.Mirrored = mirrored;
        (_context.Rule, _context.Unroll, _context.InActionSet, _context.Level, _bucketDepth) = (rule, unroll, inActionSet, level, bucketDepth);
        _stack.Clear();
        _stack.AddRange(stack);
        _actionSet.Restore(actionSet);
        _actionSet.HasGroup = hasGroup;
    }
}
