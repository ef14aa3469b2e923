using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Xlate;

/// <summary>A translation put aside at a recirculation (OVS <c>struct frozen_state</c>); equal states share one id.</summary>
internal sealed class FrozenState
{
    /// <summary>The bridge in whose tables it goes on.</summary>
    public required OfPipeline Bridge { get; init; }

    /// <summary>Table to resume in, unless there are <see cref="Ops"/>.</summary>
    public required byte Table { get; init; }

    /// <summary>ct_* of the packet are meant; otherwise it resumes as untracked.</summary>
    public required bool Conntracked { get; init; }

    /// <summary>The last MPLS label was popped.</summary>
    public required bool WasMpls { get; init; }

    /// <summary>The packet has no Ethernet header.</summary>
    public bool IsBare { get; init; }

    /// <summary>dp_hash of the packet is meant.</summary>
    public required bool HasDpHash { get; init; }

    /// <summary>Mirrors that have their copy already.</summary>
    public uint Mirrored { get; init; }

    public required FrozenLanes Lanes;

    /// <summary>The stack, bottom first.</summary>
    public required UInt128[] Stack { get; init; }

    /// <summary>The action set as written.</summary>
    public required XlateOp[] ActionSet { get; init; }

    /// <summary>Actions to resume with; none = look up <see cref="Table"/>.</summary>
    public required XlateOp[] Ops { get; init; }

    /// <summary>What a controller action tells besides the packet, as in <see cref="OfController.UserData"/>; else empty.</summary>
    public string UserData { get; init; } = "";

    /// <summary>A controller lets the packet go on: there is no table to look up.</summary>
    public bool IsResumed { get; init; }

    /// <summary>Control has given the packet and the actions.</summary>
    public bool IsPacketOut { get; init; }

    public uint Id { get; set; }

    public ulong Hash { get; set; }

    public int References { get; set; }

    /// <summary>Time of the sweep that saw the last reference gone; of a state in <see cref="IdleList"/> that was seen.</summary>
    public long IdleSinceMs { get; set; }

    /// <summary>What <see cref="RecircStore.RoundsTaken"/> was at that time.</summary>
    public ulong IdleRound { get; set; }

    /// <summary>Neighbours in <see cref="IdleList"/>.</summary>
    public FrozenState? IdlePrevious { get; set; }

    public FrozenState? IdleNext { get; set; }

    /// <summary>Next state with the same hash.</summary>
    public FrozenState? Next { get; set; }
}

/// <summary>Metadata that survives recirculation in the frozen state: registers, metadata, in_port (OVS <c>struct frozen_metadata</c>), and the tunnel fields that actions wrote.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FrozenLanes
{
    public Vector256<byte> Regs0;
    public Vector256<byte> Regs1;
    public Vector256<byte> Metadata;
    public Vector256<byte> Tunnel0;
    public Vector256<byte> Tunnel1;

    /// <summary>Bits of the tunnel lanes that are constants; the others come from the packet.</summary>
    public Vector256<byte> TunnelMask0;
    public Vector256<byte> TunnelMask1;

    /// <summary>in_port as it stands in the key, padded with zero to a lane, so that states compare as bytes.</summary>
    public Vector256<ulong> InPort;

    /// <summary><see cref="Lanes.Metadata"/> without conj_id and actset_output, which do not survive.</summary>
    public static Vector256<byte> MetadataOnly => Vector256.Create(ulong.MaxValue, 0, 0, 0).AsByte();

    /// <summary>What survives of a flow that control gives: all of its tunnel is meant.</summary>
    public static FrozenLanes Of(ref PipelineFlow flow)
    {
        FrozenLanes lanes = default;
        lanes.Regs0 = PipelineFlow.Lane(ref flow, Keys.Lanes.Regs);
        lanes.Regs1 = PipelineFlow.Lane(ref flow, Keys.Lanes.RegsHigh);
        lanes.Metadata = PipelineFlow.Lane(ref flow, Keys.Lanes.Metadata) & MetadataOnly;
        lanes.TunnelMask0 = lanes.TunnelMask1 = Vector256<byte>.AllBitsSet;
        lanes.Tunnel0 = PipelineFlow.Lane(ref flow, Keys.Lanes.Tunnel);
        lanes.Tunnel1 = PipelineFlow.Lane(ref flow, Keys.Lanes.TunnelIpv6);
        lanes.InPort = Vector256.CreateScalar((ulong)flow.Key.InPort.Raw);
        return lanes;
    }

    /// <summary>Puts what survives into a flow (OVS <c>frozen_metadata_to_flow</c>).</summary>
    public readonly void Restore(ref PipelineFlow flow)
    {
        PipelineFlow.Lane(ref flow, Keys.Lanes.Regs) = Regs0;
        PipelineFlow.Lane(ref flow, Keys.Lanes.RegsHigh) = Regs1;
        PipelineFlow.Lane(ref flow, Keys.Lanes.Metadata) = Metadata;
        ref Vector256<byte> tunnel0 = ref PipelineFlow.Lane(ref flow, Keys.Lanes.Tunnel), tunnel1 = ref PipelineFlow.Lane(ref flow, Keys.Lanes.TunnelIpv6);
        (tunnel0, tunnel1) = ((tunnel0 & ~TunnelMask0) | Tunnel0, (tunnel1 & ~TunnelMask1) | Tunnel1);
        flow.Key.InPort = new Be32((uint)InPort.ToScalar());
    }
}
