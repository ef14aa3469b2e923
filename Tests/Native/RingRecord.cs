namespace Mergeflow.Tests;

/// <summary>A record wide enough to be torn: four words that belong together.</summary>
internal readonly record struct RingRecord(int Producer, long Number, long Check, long CheckAgain)
{
    public static RingRecord Of(int producer, long number)
    {
        long check = (number * 0x5851f42d4c957f2d) + producer;
        return new RingRecord(producer, number, check, ~check);
    }

    public bool IsWhole => this == Of(Producer, Number);
}
