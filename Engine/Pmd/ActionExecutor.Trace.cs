using System.Runtime.CompilerServices;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>Records what a packet goes through, for the merge.</summary>
public sealed unsafe partial class PmdThread
{
    private Trace? _trace;
    private int _tracePass;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void BeginTrace(Packet* p)
    {
        if (Offload is not null) _trace = Offload.TryBegin(p, _nowMs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EndTrace()
    {
        if (_trace is null) return;
        Offload!.End(_trace, _nowMs);
        _trace = null;
    }

    private void RecordCt(Packet* p, ref CtVerdict verdict)
    {
        if (verdict.Disposition != CtDisposition.Continue || p->Key.NwFrag != NwFrag.No)
        {
            StopTrace(OffloadReason.Fragment, "ct");
            return;
        }

        PmdOffload.AddCt(_trace!, _tracePass, p->Key.NwProto, p->Key.TcpFlags.Host, in verdict);
    }

    private void RecordHash(uint hash)
    {
        if (_trace is not null) PmdOffload.AddHash(_trace, _tracePass, hash);
    }

    /// <summary>The first thing that hardware cannot do ends the recording; the trace is still handed over, so that the reason is counted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void StopTrace(OffloadReason reason, string detail)
    {
        if (_trace is not null) PmdOffload.Stop(_trace, _tracePass, reason, detail);
    }
}
