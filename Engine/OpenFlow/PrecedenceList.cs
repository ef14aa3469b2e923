using System.Collections;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Rules in order of precedence, in pieces of bounded size: adding and removing one costs the same in a table of any size.</summary>
internal sealed class PrecedenceList : IEnumerable<OfRule>
{
    private const int MostInPiece = 512;

    /// <summary>None is empty.</summary>
    private readonly List<List<OfRule>> _pieces = [];

    /// <summary>Number of rules.</summary>
    public int Count { get; private set; }

    /// <summary>The rule of the lowest precedence, which comes first.</summary>
    public OfRule First => _pieces[0][0];

    /// <summary>Adds a rule; none has its precedence.</summary>
    public void Add(OfRule rule)
    {
        Count++;
        if (_pieces.Count == 0)
        {
            _pieces.Add([rule]);
            return;
        }

        int at = PieceOf(rule.Precedence);
        List<OfRule> piece = _pieces[at];
        piece.Insert(PositionOf(piece, rule.Precedence), rule);
        if (piece.Count <= MostInPiece) return;

        // Rules often come in order: then the first piece stays full.
        int keep = at == _pieces.Count - 1 ? MostInPiece : MostInPiece / 2;
        _pieces.Insert(at + 1, piece.GetRange(keep, piece.Count - keep));
        piece.RemoveRange(keep, piece.Count - keep);
    }

    /// <summary>The rule with a precedence, or null.</summary>
    public OfRule? Find(ulong precedence)
    {
        if (Count == 0) return null;
        List<OfRule> piece = _pieces[PieceOf(precedence)];
        int at = PositionOf(piece, precedence);
        return at < piece.Count && piece[at].Precedence == precedence ? piece[at] : null;
    }

    /// <summary>Puts a rule in the place of one with the same precedence.</summary>
    public void Replace(OfRule rule)
    {
        List<OfRule> piece = _pieces[PieceOf(rule.Precedence)];
        piece[PositionOf(piece, rule.Precedence)] = rule;
    }

    /// <summary>Removes a rule that is there.</summary>
    public void Remove(OfRule rule)
    {
        int at = PieceOf(rule.Precedence);
        List<OfRule> piece = _pieces[at];
        piece.RemoveAt(PositionOf(piece, rule.Precedence));
        if (piece.Count == 0) _pieces.RemoveAt(at);
        Count--;
    }

    /// <summary>Removes all.</summary>
    public void Clear()
    {
        _pieces.Clear();
        Count = 0;
    }

    /// <summary>The rules from a precedence on.</summary>
    public IEnumerable<OfRule> From(ulong precedence)
    {
        if (Count == 0) yield break;
        int at = PieceOf(precedence);
        for (int i = PositionOf(_pieces[at], precedence); at < _pieces.Count; at++, i = 0)
        {
            for (; i < _pieces[at].Count; i++) yield return _pieces[at][i];
        }
    }

    public IEnumerator<OfRule> GetEnumerator()
    {
        foreach (List<OfRule> piece in _pieces)
        {
            foreach (OfRule rule in piece) yield return rule;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The piece that a precedence is in, or belongs to: the last that does not begin behind it.</summary>
    private int PieceOf(ulong precedence)
    {
        int low = 0, high = _pieces.Count - 1;
        while (low < high)
        {
            int mid = (low + high + 1) / 2;
            if (_pieces[mid][0].Precedence <= precedence) low = mid;
            else high = mid - 1;
        }

        return low;
    }

    /// <summary>The first that is not below <paramref name="precedence"/>.</summary>
    private static int PositionOf(List<OfRule> rules, ulong precedence)
    {
        int low = 0, high = rules.Count;
        while (low < high)
        {
            int mid = (low + high) / 2;
            if (rules[mid].Precedence < precedence) low = mid + 1;
            else high = mid;
        }

        return low;
    }
}
