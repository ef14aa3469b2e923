using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Xlate;
using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <summary>A handler thread: translates what packet threads miss (OVS <c>udpif_upcall_handler</c>). What becomes a megaflow, and of the packet, is the packet thread's matter.</summary>
internal sealed class UpcallWorker(OfPipeline pipeline, RecircStore recircs, IReadOnlyList<UpcallChannel<UpcallRequest>> channels) : IPoller, IDisposable
{
    /// <summary>Requests of a packet thread before it is the next one's turn.</summary>
    private const int MostInTurn = 8;

    private readonly Translator _translator = new(pipeline, recircs);

    /// <summary>One for each packet thread; an array, as walking a list by its interface allocates in every round.</summary>
    private readonly UpcallChannel<UpcallRequest>[] _channels = [.. channels];

    /// <inheritdoc/>
    public string Name => "upcalls";

    /// <inheritdoc/>
    public int Step(long nowMs)
    {
        int work = 0;
        foreach (UpcallChannel<UpcallRequest> channel in _channels)
        {
            for (int n = 0; n < MostInTurn && channel.Asked is { } request; n++, work++)
            {
                request.AddressesSeen = pipeline.Backer.Addresses.ChangeCount;
                _translator.Translate(ref request.Key, request.LengthBytes, request.Result, request.NowMs);
                channel.Answer();
            }
        }

        return work;
    }

    /// <summary>Nothing: who asks sets the latch.</summary>
    public void BeforeSleep(PollSet set, long nowMs)
    {
    }

    /// <inheritdoc/>
    public void Dispose() => _translator.Dispose();
}
