namespace Mergeflow.Tests;

/// <summary>What the litmus test needs of a queue; neither call waits.</summary>
internal interface IRecordQueue : IDisposable
{
    bool TryEnqueue(in RingRecord record);

    bool TryDequeue(out RingRecord record);
}
