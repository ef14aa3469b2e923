namespace Mergeflow.Engine.Offload;

/// <summary>
/// Rules that are gone, for others to come. A rule is about a kilobyte with its arrays, and where flows come and go most of what the datapath allocates. Only rules that nobody else can still see come back: not one that
/// <see cref="OffloadReport"/> has shown. Under the offload thread's lock.
/// </summary>
internal sealed class MergedFlowPool
{
    /// <summary>Most rules that are kept.</summary>
    public const int Capacity = 65_536;

    private readonly Stack<MergedFlow> _rules = new();

    /// <summary>Rules that wait for use.</summary>
    public int Count => _rules.Count;

    /// <summary>A rule without an id, as a new one but for the room in its arrays.</summary>
    public MergedFlow Rent() => _rules.TryPop(out MergedFlow? rule) ? rule : new MergedFlow();

    /// <summary>The rule is in no list of the offload side any more.</summary>
    public void Return(MergedFlow rule)
    {
        if (rule.IsShown || _rules.Count >= Capacity) return;
        rule.Renew();
        _rules.Push(rule);
    }

    /// <summary>The same array with other content where the length allows it: rules of one kind follow each other.</summary>
    public static T[] Kept<T>(T[] array, ReadOnlySpan<T> content)
    {
        if (array.Length != content.Length) return content.ToArray();
        content.CopyTo(array);
        return array;
    }
}
