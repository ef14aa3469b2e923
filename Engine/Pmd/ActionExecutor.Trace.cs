using System.Runtime.CompilerServices;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>Records what a packet goes through, for the merge.</summary>
internal sealed unsafe partial class ActionExecutor
{
    private readonly PmdOffload? _offload;
    private Trace? _trace;
    private int _tracePass;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeginTrace(Packet* p)
    {
        if (_offload is not null) _trace = _offload.TryBegin(p, NowMs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EndTrace()
    {
        if (_trace is null) return;
        _offload!.End(_trace, NowMs);
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
