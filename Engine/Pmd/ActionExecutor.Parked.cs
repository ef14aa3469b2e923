using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Engine.Upcall;

namespace Mergeflow.Engine.Pmd;

/// <summary>Upcalls on handler threads: packets that miss are parked, and go on where they were when their translation has come.</summary>
internal sealed unsafe partial class ActionExecutor
{
    /// <summary>Packets that go on in one step: more than come in a batch, or a flow that waits once would wait for ever.</summary>
    private const int MostAtOnce = 4 * PmdThread.MaxBatch;

    /// <summary>As much as this many of them is one that makes a megaflow.</summary>
    private const int OfAnswer = 16;

    /// <summary>Translations of a packet that may come too late; then it is translated here.</summary>
    private const int MostStale = 2;

    private readonly ParkedUpcalls? _parked;
    private int _stale;

    /// <summary>
    /// Lists that go on behind what runs now. Only a packet of which nothing is left to do is parked: what its copies do, and fragments that were released together, is done in order, so their
    /// upcalls are inline.
    /// </summary>
    private int _nested;

    /// <summary>The flow, as <see cref="ParkedUpcalls"/> has it, of the packet that is on its way.</summary>
    public ulong Flow;

    /// <summary>A packet that came behind others of its flow waits with them.</summary>
    public void Hold(Packet* p)
    {
        if (!_parked!.TryHold(Flow, p)) Refuse(p);
    }

    /// <summary>Lets packets go on, some at a time; returns how many.</summary>
    public int Resume<T>()
        where T : struct, IStageMarks
    {
        int n = 0;
        for (int left = MostAtOnce; left > 0 && _parked!.TryTake(out Packet* p, out Flow, out int flow, out UpcallRequest? answer); n++)
        {
            CtHash = 0;
            if (answer is not null)
            {
                left -= OfAnswer;
                GoOn<T>(p, answer);
            }
            else
            {
                left--;
                BeginTrace(p);
                RunPass<T>(p, null);
                EndTrace();
            }

            _parked.End(flow, Flow, NowMs);
        }

        return n;
    }

    /// <summary>The thread ends: nobody goes on with what is parked.</summary>
    public void Abandon()
    {
        for (Packet* p; (p = _parked!.Abandon()) != null;) Refuse(p);
    }

    private void Park(Packet* p)
    {
        StopTrace(OffloadReason.Upcall, "on a handler thread");
        if (_parked!.TryPark(Flow, p, NowMs)) Stats.Upcalls++;
        else Refuse(p);
    }

    private void Refuse(Packet* p)
    {
        Stats.UpcallsRefused++;
        if (p->RecircDepth == 0) Stats.UpcallsRefusedFirst++;
        Drop(p);
    }

    private void GoOn<T>(Packet* p, UpcallRequest answer)
        where T : struct, IStageMarks
    {
        // Another flow's packet may have brought the megaflow meanwhile.
        MegaflowHot* hot = _lookup.Find<T>(p, ref Stats);
        if (hot != null)
        {
            _parked!.Release();
            RunPass<T>(p, hot);
            return;
        }

        bool isStale = _upcall.IsStale(answer);
        if (isStale && _stale++ < MostStale)
        {
            _parked!.Release();
            if (!_parked.TryPark(Flow, p, NowMs)) Refuse(p);
            return;
        }

        _stale = 0;
        Megaflow? made = isStale ? _upcall.Handle(p, NowMs) : _upcall.Handle(p, answer, NowMs);
        _parked!.Release();
        RunMade<T>(p, made);
    }
}
